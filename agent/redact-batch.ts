/** Nothing leaves a node with a secret in it: what people and programs wrote is looked through before it is spooled. */
import { redact } from '../base/redact'
import { fieldsOf } from '../wire/metrics'
import type { Batch } from '../wire/table'

/** The words within a JSON text; the same text where none is a secret. */
function redactJson(text: string): string {
  const said = redact(text)
  return said === text
    ? text
    : JSON.stringify(JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? redact(value) : value)))
}

/** In place. Each text is looked at once, however many rows say it. */
export function redactBatch(batch: Batch): void {
  for (const { kind, columns } of batch.tables()) {
    for (const [name, field] of fieldsOf(kind)) {
      const column = columns.get(name)
      if (field.type === 'number' || field.isSaid !== true || column === undefined || column.type === 'number') continue
      const clean = column.type === 'json' ? redactJson : redact
      for (const [index, text] of column.dictionary.entries()) column.dictionary[index] = clean(text)
    }
  }
}
