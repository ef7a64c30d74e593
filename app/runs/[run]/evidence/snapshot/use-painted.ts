'use client'
/** A canvas that is painted anew when what it shows, its size or the theme changes. */
import { useEffect, useRef, type RefObject } from 'react'
import { paintsOf, sized, type Paints } from './canvas'

export interface Surface {
  readonly context: CanvasRenderingContext2D
  /** CSS pixels. */
  readonly width: number
  readonly height: number
  readonly paints: Paints
}

/** `paint` is another where what it paints is. */
export function usePainted(height: number, paint: (surface: Surface) => void): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const draw = () => {
      const surface = sized(element, height)
      if (surface !== undefined) paint({ ...surface, height, paints: paintsOf(element.parentElement ?? document.body) })
    }
    // It tells of the size at once, too.
    const observer = new ResizeObserver(draw)
    observer.observe(element)
    const theme = new MutationObserver(draw)
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    return () => {
      observer.disconnect()
      theme.disconnect()
    }
  }, [height, paint])
  return canvas
}
