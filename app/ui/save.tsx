'use client'
import { toCsv, type NamedColumn } from '../data/csv'
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

type Make = () => Promise<BlobPart> | BlobPart

interface SaveProps {
  name: string
  columns: () => readonly NamedColumn[]
  png?: () => Promise<Blob>
}

/** Takes a table or a chart away. */
export function Save({ name, columns, png }: SaveProps) {
  const forms: readonly { form: string; type: string; make: Make }[] = [
    ...(png === undefined ? [] : [{ form: 'PNG', type: 'image/png', make: png }]),
    { form: 'CSV', type: 'text/csv', make: () => toCsv(columns()) },
    {
      form: 'Parquet',
      type: 'application/vnd.apache.parquet',
      // Loaded when somebody wants it.
      make: async () => (await import('../data/parquet')).toParquet(columns()),
    },
  ]
  const save = async (form: string, type: string, make: Make) =>
    saveFile(fileName(name, form.toLowerCase()), new Blob([await make()], { type }))
  return (
    <span className={styles.saves} data-screen="">
      {forms.map(({ form, type, make }) => (
        <button
          key={form}
          type="button"
          className={styles.save}
          aria-label={`Save ${name} as ${form}`}
          onClick={() => void save(form, type, make)}
        >
          {form}
        </button>
      ))}
    </span>
  )
}
