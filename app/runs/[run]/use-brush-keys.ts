'use client'
/** The time brush by keys: + and − about the middle, comma and full stop along, 0 for all of the run. */
import { useEffect } from 'react'
import { moved, WHOLE, zoomed, type Span, type TimeWindow } from '../../data/time-window'
import { isTyping } from '../../data/typing'

const ZOOM = 2
const STEP = 0.25

/** The window that a key asks for; undefined where it asks for none. */
export function windowOfKey(key: string, span: Span, whole: Span): TimeWindow | undefined {
  const middle = (span.from + span.to) / 2
  switch (key) {
    case '+':
    case '=':
      return zoomed(span, 1 / ZOOM, middle, whole)
    case '-':
      return zoomed(span, ZOOM, middle, whole)
    case ',':
      return moved(span, -STEP, whole)
    case '.':
      return moved(span, STEP, whole)
    case '0':
      return WHOLE
    default:
      return undefined
  }
}

export function useBrushKeys(span: Span, whole: Span, setWindow: (window: TimeWindow) => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isTyping(event)) return
      const window = windowOfKey(event.key, span, whole)
      if (window === undefined) return
      event.preventDefault()
      setWindow(window)
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [span, whole, setWindow])
}
