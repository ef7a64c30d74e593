'use client'
import { useEffect, useRef } from 'react'
import { KEYS } from './keys'
import styles from './palette.module.css'

/** All keys at a glance. */
export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-label="Keys"
      onClose={onClose}
      onClick={event => event.target === dialog.current && onClose()}
    >
      <h2 className={styles.title}>Keys</h2>
      <dl className={styles.keys}>
        {KEYS.map(({ keys, does }) => (
          <div key={does} className="contents">
            <dt>
              {keys.map(key => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  )
}
