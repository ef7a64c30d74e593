'use client'
import styles from './save.module.css'

/** Hands a text or an image to the browser as a file. */
function saveFile(name: string, content: Blob): void {
  const address = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  URL.revokeObjectURL(address)
}

const fileName = (name: string, ending: string) =>
  `${name
    .replace(/[^\w.-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase()}.${ending}`

interface SaveProps {
  name: string
  csv: () => string
  png?: () => Promise<Blob>
}

/** Takes a table or a chart away. */
export function Save({ name, csv, png }: SaveProps) {
  const asCsv = () => saveFile(fileName(name, 'csv'), new Blob([csv()], { type: 'text/csv' }))
  const asPng = () => void png?.().then(image => saveFile(fileName(name, 'png'), image))
  return (
    <span className={styles.saves}>
      {png !== undefined && (
        <button type="button" className={styles.save} aria-label={`Save ${name} as PNG`} onClick={asPng}>
          PNG
        </button>
      )}
      <button type="button" className={styles.save} aria-label={`Save ${name} as CSV`} onClick={asCsv}>
        CSV
      </button>
    </span>
  )
}
