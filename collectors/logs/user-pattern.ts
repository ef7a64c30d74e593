/**
 * Log formats that people write themselves: a name and regular expressions, in `plumbline.yaml`.
 *
 *     logFormats:
 *       - name: ours
 *         step: 'it (?<step>\d+)/(?<totalSteps>\d+) took (?<stepSeconds>[\d.]+) ms, L=(?<loss>\S+)'
 *         scale: { stepSeconds: 0.001 }
 *         evaluation: '^eval '
 *         checkpoint: 'saving to '
 */
import { z } from 'zod'
import { fieldsOf } from '../../wire/metrics'
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, stepFigures, type Meaning } from './figures'
import { PlumblineError } from '../../base/errors'
import { defineFormat, type LogFormat, type LogLine } from './format'
import { formats } from './index'

const FIELDS = fieldsOf('step').flatMap(([name, field]) => (field.type === 'number' && name !== 'time' ? [name] : []))
const isField = (name: string): name is Extract<Meaning, string> => FIELDS.includes(name)
/** Characters of a line that a pattern of others' making is held against. */
const MOST_CHARACTERS = 2048
/** Milliseconds for a hostile text of a few letters: one that takes longer has met a pattern that explodes. */
const MOST_MS = 50

/** Texts that make nested repetitions explode, each a little longer than the one before. */
function* hostile(): Generator<string> {
  for (const length of [12, 16, 20, 24, 28, 64, 128, 256, 512, 1024])
    for (const unit of ['a', '1', ' ', 'a ', '1 ', '1.', 'a=', '| ']) yield `${unit.repeat(length)}!`
}

/** A repeated group with a repetition within: it may explode behind a beginning that no text here has. */
const NESTED = /\((?:[^()\\]|\\.)*(?:[+*]|\{\d*,\d*\})(?:[^()\\]|\\.)*\)(?:[+*]|\{\d*,\d*\})/

function explodes(pattern: RegExp): boolean {
  if (NESTED.test(pattern.source)) return true
  for (const text of hostile()) {
    const began = performance.now()
    pattern.exec(text)
    if (performance.now() - began > MOST_MS) return true
  }
  return false
}

function problemOf(source: string): string | undefined {
  try {
    const pattern = new RegExp(source, 'u')
    return explodes(pattern) ? 'takes exponential time: repeat no group that repeats' : undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const groupsOf = (source: string) => [...source.matchAll(/\(\?<([A-Za-z_]\w*)>/g)].map(match => match[1] ?? '')

const pattern = z
  .string()
  .max(1000)
  .superRefine((source, context) => {
    const problem = problemOf(source)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
const stepPattern = pattern.superRefine((source, context) => {
  const wrong = groupsOf(source).find(name => !isField(name))
  if (wrong !== undefined)
    context.addIssue({ code: 'custom', message: `no field "${wrong}"; fields: ${FIELDS.join(', ')}` })
  else if (!groupsOf(source).includes('step'))
    context.addIssue({ code: 'custom', message: 'it needs a group (?<step>…)' })
})

export const userPatternSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9.-]{0,40}$/, 'letters, digits, dots and dashes'),
  /** Named groups are fields of a step; a value may carry its unit. */
  step: stepPattern,
  /** Factors to SI units of fields that are printed without a unit. */
  scale: z.record(z.string(), z.number().positive()).optional(),
  evaluation: pattern.optional(),
  checkpoint: pattern.optional(),
})
export type UserPattern = z.infer<typeof userPatternSchema>

function userFormat({ name, step, scale = {}, evaluation, checkpoint }: UserPattern): LogFormat {
  const steps = new RegExp(step, 'u')
  const meanings = Object.fromEntries(
    groupsOf(step)
      .filter(isField)
      .map(field => [field, [field, scale[field] ?? 1]] as const),
  )
  const pauses = [
    ['evaluation', evaluation],
    ['checkpoint', checkpoint],
  ].flatMap(([type = '', source]) => (source === undefined ? [] : [{ type, match: new RegExp(source, 'u') }]))
  return defineFormat({
    name,
    help: `a format of plumbline.yaml: ${step.slice(0, 100)}`,
    origin: 'plumbline.yaml',
    begin: () => ({ nan: false }),
    parse({ text: whole, rank, time }: LogLine, state: { nan: boolean }): WireRecord[] | undefined {
      const text = whole.slice(0, MOST_CHARACTERS)
      const groups = steps.exec(text)?.groups
      if (groups === undefined) {
        const pause = pauses.find(({ match }) => match.test(text))
        return pause === undefined ? undefined : [{ kind: 'event', type: pause.type, message: text.slice(0, 1000) }]
      }
      const figures = new Map(
        Object.entries(groups).flatMap(([field, value]) => (value === undefined ? [] : [[field, value] as const])),
      )
      const fields = stepFigures(figures, meanings)
      const record: RecordOf<'step'> = { kind: 'step', source: name, time, rank, ...fields }
      return [record, ...nanEvent(figures.get('loss'), { step: fields.step, time, rank }, state)]
    },
  })
}

/** All formats, those of the configuration before the known ones: who wrote them knows the log. Throws where a name is taken. */
export function formatsWith(patterns: readonly UserPattern[] = []): readonly LogFormat[] {
  const names = [...formats.names, ...patterns.map(({ name }) => name)]
  const taken = names.find((name, at) => names.indexOf(name) !== at)
  if (taken !== undefined)
    throw new PlumblineError(`two log formats are named "${taken}"`, {
      fix: 'give the one in logFormats another name',
      usage: true,
    })
  return [...patterns.map(userFormat), ...formats]
}
