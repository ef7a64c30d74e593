'use client'
/** Wheel and pointer on a picture that can be moved and magnified. */
import { useEffect, useEffectEvent, useRef, type PointerEvent, type RefObject } from 'react'

/** A press that moves less than this is no drag. */
const LEAST_PIXELS = 4
/** Of a notch of a wheel, some 100 pixels. */
const PER_PIXEL = 1.0025

/** Shares of the picture, from its left and its top. */
export interface Place {
  readonly x: number
  readonly y: number
}

interface Gestures {
  /** By shares of the picture, to the right and down. */
  readonly onMove: (right: number, down: number) => void
  /** Larger above 1, about a place; `isUpright` where the Alt key asks for the height alone. */
  readonly onScale: (factor: number, at: Place, isUpright: boolean) => void
  readonly onPress: (at: Place) => void
  /** Undefined when the pointer leaves. */
  readonly onPoint: (at: Place | undefined) => void
  /** A stretch drawn with Shift held, or where there is nothing to move. */
  readonly onStretch?: ((from: Place, to: Place) => void) | undefined
  /** While it is drawn. */
  readonly onStretching?: ((stretch: readonly [Place, Place] | undefined) => void) | undefined
  /** Nothing is out of sight: a drag draws a stretch. */
  readonly isAllInSight: boolean
}

export function placeIn(element: Element, { clientX, clientY }: { clientX: number; clientY: number }): Place {
  const { left, top, width, height } = element.getBoundingClientRect()
  const share = (value: number, size: number) => Math.min(1, Math.max(0, value / Math.max(1, size)))
  return { x: share(clientX - left, width), y: share(clientY - top, height) }
}

/** With Ctrl or ⌘ (a pinch says so too), or once the picture has the focus, the wheel scales; else it scrolls the page. */
function useWheel(box: RefObject<HTMLElement | null>, { onMove, onScale }: Gestures): void {
  const turn = useEffectEvent((event: WheelEvent) => {
    const element = box.current
    if (element === null) return
    const isOurs = event.ctrlKey || event.metaKey || event.altKey || element.contains(document.activeElement)
    const isAcross = Math.abs(event.deltaX) > Math.abs(event.deltaY)
    if (!isOurs && !isAcross) return
    event.preventDefault()
    if (isAcross || event.shiftKey) onMove((event.deltaX || event.deltaY) / Math.max(1, element.clientWidth), 0)
    else onScale(PER_PIXEL ** -event.deltaY, placeIn(element, event), event.altKey)
  })
  useEffect(() => {
    const element = box.current
    // React listens passively, and a passive listener cannot keep the page from scrolling.
    const listen = (event: WheelEvent) => turn(event)
    element?.addEventListener('wheel', listen, { passive: false })
    return () => element?.removeEventListener('wheel', listen)
  }, [box])
}

interface Drag {
  readonly begin: Place
  readonly startX: number
  readonly startY: number
  readonly isStretch: boolean
  last: Place
  isDragged: boolean
}

export function useGestures(box: RefObject<HTMLElement | null>, gestures: Gestures) {
  const drag = useRef<Drag>(undefined)
  useWheel(box, gestures)
  const { onMove, onPress, onPoint, onStretch, onStretching, isAllInSight } = gestures
  const begin = (event: PointerEvent<Element>) => {
    if (event.button !== 0) return
    event.currentTarget.setPointerCapture(event.pointerId)
    const place = placeIn(event.currentTarget, event)
    const isStretch = onStretch !== undefined && (event.shiftKey || isAllInSight)
    drag.current = {
      begin: place,
      last: place,
      startX: event.clientX,
      startY: event.clientY,
      isStretch,
      isDragged: false,
    }
  }
  const move = (event: PointerEvent<Element>) => {
    const { current } = drag
    const place = placeIn(event.currentTarget, event)
    if (current === undefined) return onPoint(place)
    current.isDragged ||= Math.hypot(event.clientX - current.startX, event.clientY - current.startY) >= LEAST_PIXELS
    if (!current.isDragged) return
    if (current.isStretch) onStretching?.([current.begin, place])
    else onMove(current.last.x - place.x, current.last.y - place.y)
    current.last = place
  }
  const end = (event: PointerEvent<Element>) => {
    const { current } = drag
    const place = placeIn(event.currentTarget, event)
    cancel()
    if (current?.isDragged === false) onPress(place)
    else if (current?.isStretch === true) onStretch?.(current.begin, place)
  }
  const cancel = () => {
    drag.current = undefined
    onStretching?.(undefined)
  }
  return {
    onPointerDown: begin,
    onPointerMove: move,
    onPointerUp: end,
    onPointerCancel: cancel,
    onPointerLeave: () => onPoint(undefined),
  }
}
