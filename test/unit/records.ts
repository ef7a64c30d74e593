/** Any records, made from the catalogue: every kind, every field, absent, zero and extreme values. */
import fc from 'fast-check'
import { fieldsOf, kinds, type Field, type Kind } from '../../wire/metrics'
import type { WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'

/** A hub stores texts as UTF-8: half a surrogate pair is no text. */
export const texts = fc.string({ unit: 'grapheme', maxLength: 20 }).map(text => `${text}\t'"\\\n,`)

function valueOf(field: Field): fc.Arbitrary<unknown> {
  if (field.type === 'number') return fc.oneof(fc.constant(0), fc.double({ noNaN: true }), fc.integer())
  if (field.type === 'text') return texts
  return fc.constant(undefined)
}

/** JSON fields are left out: each has a shape of its own. */
export function recordsOf(kind: Kind): fc.Arbitrary<WireRecord> {
  const fields = fieldsOf(kind).map(([name, field]) => [name, fc.option(valueOf(field), { nil: undefined })] as const)
  return fc.record({ kind: fc.constant(kind), ...Object.fromEntries(fields) }) as unknown as fc.Arbitrary<WireRecord>
}
export const anyRecord = fc.oneof(...kinds.map(recordsOf))

export function batchOf(records: readonly WireRecord[]): Batch {
  const batch = new Batch()
  for (const record of records) batch.add(record)
  return batch
}
