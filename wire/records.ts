/** Records: what collectors read, one object each. The hot path carries them as columns (`table.ts`) instead. */
import { z } from 'zod'
import type { catalogue } from './metrics'
import { fieldsOf, kinds, type FieldName, type JsonField, type Kind, type NumberField, type TextField } from './metrics'

type ValueOf<F> = F extends NumberField
  ? number
  : F extends TextField
    ? string
    : F extends JsonField<infer T>
      ? T
      : never

/** One record of a kind. Every field but `kind` is absent when unknown. */
export type RecordOf<K extends Kind> = { kind: K } & {
  [F in FieldName<K>]?: ValueOf<(typeof catalogue)[K][F]> | undefined
}
export type WireRecord = { [K in Kind]: RecordOf<K> }[Kind]

function schemaOf(kind: Kind): z.ZodObject {
  const shape: Record<string, z.ZodType> = { kind: z.literal(kind) }
  for (const [name, field] of fieldsOf(kind)) {
    const schema = field.type === 'number' ? z.number().finite() : field.type === 'text' ? z.string() : field.schema
    shape[name] = schema.optional()
  }
  return z.strictObject(shape)
}

const schemas = new Map<string, z.ZodObject>(kinds.map(kind => [kind, schemaOf(kind)]))

/** Checks an unknown value against the schema of its kind. Returns undefined and never throws when it is not a record. */
export function asRecord(value: unknown): WireRecord | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value) || typeof value.kind !== 'string')
    return undefined
  const result = schemas.get(value.kind)?.safeParse(value)
  return result?.success === true ? (result.data as WireRecord) : undefined
}

export function recordSchema(kind: Kind): z.ZodObject {
  const schema = schemas.get(kind)
  if (schema === undefined) throw new Error(`no schema for ${kind}`)
  return schema
}
