'use client'
/** A stretch dragged over a chart: from where the pointer went down to where it is. */
import { useRef, useState, type PointerEvent } from 'react'
import type { Span } from '../data/time-window'

/** A press that moves less than this is no drag. */
const LEAST_PIXELS = 4

interface Drag {
  readonly startX: number
  readonly from: number
}

export interface DragHandlers {
  /** What is being dragged over; undefined while nothing is. */
  readonly dragged: Span | undefined
  readonly handlers: {
    onPointerDown: (event: PointerEvent<Element>) => void
    onPointerMove: (event: PointerEvent<Element>) => void
    onPointerUp: (event: PointerEvent<Element>) => void
    onPointerCancel: () => void
  }
}

/** The moment under the pointer. */
export function timeAt(event: { clientX: number; currentTarget: Element }, { from, to }: Span): number {
  const { left, width } = event.currentTarget.getBoundingClientRect()
  return from + ((event.clientX - left) / Math.max(1, width)) * (to - from)
}

/** `done` gets the stretch when the pointer is let go. Only the main button of a mouse or pen drags: a finger scrolls. */
export function useDrag(span: Span, done: (stretch: Span) => void): DragHandlers {
  const drag = useRef<Drag>(undefined)
  const [dragged, setDragged] = useState<Span>()
  const end = () => {
    drag.current = undefined
    setDragged(undefined)
  }
  return {
    dragged,
    handlers: {
      onPointerDown: event => {
        if (event.button !== 0 || event.pointerType === 'touch') return
        event.currentTarget.setPointerCapture(event.pointerId)
        drag.current = { startX: event.clientX, from: timeAt(event, span) }
      },
      onPointerMove: event => {
        const { current } = drag
        if (current === undefined || Math.abs(event.clientX - current.startX) < LEAST_PIXELS) return
        setDragged({ from: current.from, to: timeAt(event, span) })
      },
      onPointerUp: () => {
        if (dragged !== undefined) done(dragged)
        end()
      },
      onPointerCancel: end,
    },
  }
}
