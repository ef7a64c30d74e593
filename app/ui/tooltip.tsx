'use client'
import { useId, useLayoutEffect, useRef, useState, type ReactNode } from 'react'
import styles from './tooltip.module.css'

interface TooltipProps {
  /** What the button shows. */
  label: ReactNode
  /** What the button is called by those who do not see it. */
  name: string
  align?: 'start' | 'end'
  children: ReactNode
}

const GAP = 4

/** Below its button, or above where there is no room; never beyond the window. */
function put(note: HTMLElement, button: HTMLElement, align: 'start' | 'end'): void {
  const at = button.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = note
  const left = align === 'start' ? at.left : at.right - width
  const fitsBelow = at.bottom + GAP + height <= innerHeight || at.top < height
  note.style.left = `${Math.max(GAP, Math.min(left, document.documentElement.clientWidth - width - GAP))}px`
  note.style.top = `${fitsBelow ? at.bottom + GAP : at.top - GAP - height}px`
}

/**
 * A button with a note that opens under the pointer, by focus and by a press; Escape and leaving close it. The note is in
 * the top layer: no box that scrolls cuts it.
 */
export function Tooltip({ label, name, align = 'start', children }: TooltipProps) {
  const [open, setOpen] = useState(false)
  const id = useId()
  const box = useRef<HTMLSpanElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const note = useRef<HTMLSpanElement>(null)
  useLayoutEffect(() => {
    if (!open || note.current === null || button.current === null) return
    const shown = note.current
    shown.showPopover()
    put(shown, button.current, align)
    const away = () => setOpen(false)
    addEventListener('scroll', away, { passive: true })
    return () => {
      removeEventListener('scroll', away)
      if (shown.isConnected) shown.hidePopover()
    }
  }, [open, align])
  const leave = (to: EventTarget | null) => {
    if (!(to instanceof Node) || box.current?.contains(to) !== true) setOpen(false)
  }
  return (
    <span
      ref={box}
      className={styles.box}
      onPointerEnter={event => event.pointerType === 'mouse' && setOpen(true)}
      onPointerLeave={event => event.pointerType === 'mouse' && setOpen(false)}
      onBlur={event => leave(event.relatedTarget)}
      onKeyDown={event => event.key === 'Escape' && setOpen(false)}
    >
      <button
        ref={button}
        type="button"
        className={styles.button}
        aria-label={name}
        aria-expanded={open}
        aria-controls={id}
        onClick={event => setOpen(event.detail === 0 ? !open : true)}
      >
        {label}
      </button>
      <span ref={note} id={id} role="note" popover="manual" className={styles.note}>
        {children}
      </span>
    </span>
  )
}
