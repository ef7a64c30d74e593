'use client'
import { useId, useRef, useState, type ReactNode } from 'react'
import styles from './tooltip.module.css'

interface TooltipProps {
  /** What the button shows. */
  label: ReactNode
  /** What the button is called by those who do not see it. */
  name: string
  align?: 'start' | 'end'
  children: ReactNode
}

/** A button with a note that opens under the pointer, by focus and by a press; Escape and leaving close it. */
export function Tooltip({ label, name, align = 'start', children }: TooltipProps) {
  const [open, setOpen] = useState(false)
  const id = useId()
  const box = useRef<HTMLSpanElement>(null)
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
        type="button"
        className={styles.button}
        aria-label={name}
        aria-expanded={open}
        aria-controls={id}
        onClick={event => setOpen(event.detail === 0 ? !open : true)}
      >
        {label}
      </button>
      <span id={id} role="note" className={`${styles.note} ${styles[align]}`} hidden={!open}>
        {children}
      </span>
    </span>
  )
}
