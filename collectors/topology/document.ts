/** A document in JSON or YAML, of which no value is trusted. */
import { parse } from 'yaml'

export type Members = Readonly<Record<string, unknown>>

export const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}
export const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined

/** YAML is read more slowly than JSON by far: a file beyond this is no hand-written one. */
const MOST_YAML_CHARACTERS = 8 * 1024 * 1024

export function parseDocument(text: string): unknown {
  try {
    if (/^\s*[[{]/.test(text)) return JSON.parse(text)
    return text.length > MOST_YAML_CHARACTERS ? undefined : parse(text, { logLevel: 'silent' })
  } catch {
    return undefined
  }
}

export const countLines = (text: string) => text.split('\n').filter(line => line.trim() !== '').length
