'use client'
import styles from './save.module.css'

/** Hands a text or an image to the browser as a file. */
export function saveFile(name: string, content: Blob): void {
  const address = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  URL.revokeObjectURL(address)
}

export const fileName = (name: string, ending: string) =>
  `${name
    .replace(/[^\w.-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase()}.${ending}`

/** Takes a table away as CSV. */
export function Save({ name, make }: { name: string; make: () => string }) {
  return (
    <button
      type="button"
      className={styles.save}
      aria-label={`Save ${name} as CSV`}
      onClick={() => saveFile(fileName(name, 'csv'), new Blob([make()], { type: 'text/csv' }))}
    >
      CSV
    </button>
  )
}
