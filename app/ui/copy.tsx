'use client'
import { useState } from 'react'
import styles from './copy.module.css'

/** A command to take away. */
export function Copy({ command }: { command: string }) {
  const [copied, setCopied] = useState(false)
  const copy = () => {
    navigator.clipboard.writeText(command).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  }
  return (
    <div className={styles.copy} onMouseLeave={() => setCopied(false)}>
      <code>{command}</code>
      <button type="button" onClick={copy} aria-label={`Copy: ${command}`}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  )
}
