/**
 * Settings: one list, read once. A setting is a flag, an environment twin and a key of `plumbline.yaml`;
 * flags > environment > file > default. `origin` says where each value came from (`--print-config`).
 */
import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { messageOf, PlumblineError } from './errors'

export interface Setting<T> {
  /** camelCase key in code and in the file; `--kebab-case` as a flag; `PLUMBLINE_UPPER_CASE` in the environment. */
  readonly schema: z.ZodType<T>
  readonly default: T
  readonly help: string
}
export type Settings<S extends Record<string, Setting<unknown>>> = { readonly [K in keyof S]: S[K]['default'] }
export interface Resolved<S extends Record<string, Setting<unknown>>> {
  readonly values: Settings<S>
  readonly origin: Readonly<Record<keyof S & string, string>>
}

export const flagOf = (key: string) => `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
export const environmentOf = (key: string) => `PLUMBLINE_${key.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`

function readFile(path: string, keys: readonly string[]): Record<string, unknown> {
  if (!existsSync(path)) return {}
  let content: unknown
  try {
    content = parse(readFileSync(path, 'utf8')) ?? {}
  } catch (error) {
    throw new PlumblineError(`${path} is not YAML: ${messageOf(error)}`, {
      fix: 'correct the file, or remove it',
      usage: true,
    })
  }
  const table = z.record(z.string(), z.unknown()).safeParse(content)
  if (!table.success)
    throw new PlumblineError(`${path} holds no settings`, { fix: 'write one `key: value` a line', usage: true })
  for (const key of Object.keys(table.data)) {
    if (!keys.includes(key)) {
      throw new PlumblineError(`${path}: there is no setting "${key}"`, {
        fix: `use one of: ${keys.join(', ')}`,
        usage: true,
      })
    }
  }
  return table.data
}

/** Reads every setting. Throws a usage error that names the setting and where the bad value stands. */
export function resolveSettings<S extends Record<string, Setting<unknown>>>(
  settings: S,
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  file: string,
): Resolved<S> {
  const fromFile = readFile(file, Object.keys(settings))
  const values: Record<string, unknown> = {}
  const origin: Record<string, string> = {}
  for (const [key, setting] of Object.entries(settings)) {
    const candidates: [unknown, string][] = [
      [flags[key], flagOf(key)],
      [environment[environmentOf(key)], environmentOf(key)],
      [fromFile[key], file],
    ]
    const [value, from] = candidates.find(([candidate]) => candidate !== undefined) ?? [setting.default, 'default']
    const result = setting.schema.safeParse(value)
    if (!result.success) {
      const why = result.error.issues[0]?.message ?? 'not valid'
      throw new PlumblineError(`${from}: ${key} cannot be ${JSON.stringify(value)} (${why})`, {
        fix: setting.help,
        usage: true,
      })
    }
    values[key] = result.data
    origin[key] = from
  }
  return { values: values as Settings<S>, origin: origin as Resolved<S>['origin'] }
}
