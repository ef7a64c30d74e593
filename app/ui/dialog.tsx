'use client'
import { useEffect, useRef, type ReactNode } from 'react'
import styles from './dialog.module.css'

export interface DialogProps {
  readonly label: string
  /** Of its width and place. */
  readonly className?: string | undefined
  readonly onClose: () => void
  readonly children: ReactNode
}

/** Stands over the page as long as it is there; Esc and a press beside it close it. */
export function Dialog({ label, className = '', onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      className={`${styles.dialog} ${className}`}
      aria-label={label}
      onClose={onClose}
      onClick={event => event.target === dialog.current && onClose()}
    >
      {children}
    </dialog>
  )
}
