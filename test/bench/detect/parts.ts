/** A long run in parts, each of other seeds: what each of them played is kept in a file, and figures are of all of them. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Verdict } from './judge'
import type { Played } from './play'

export interface Part {
  readonly played: readonly Played[]
  /** Fault-free hours; those with a finding, and findings in all. */
  readonly hours: number
  readonly noisy: number
  readonly findings: number
  readonly processorSeconds: number
}

type Kept = Omit<Part, 'played'> & {
  readonly played: readonly (Omit<Played, 'verdicts'> & {
    readonly verdicts: readonly (readonly [string, Verdict[]])[]
  })[]
}

export function keep(part: Part, file: string): void {
  const played = part.played.map(one => ({ ...one, verdicts: [...one.verdicts] }))
  writeFileSync(file, JSON.stringify({ ...part, played }))
}

/** Of what this file wrote: it is not checked. */
export function together(files: readonly string[]): Part {
  const parts = files.map((file): Kept => JSON.parse(readFileSync(file, 'utf8')) as Kept)
  const sum = (of: (part: Kept) => number) => parts.reduce((total, part) => total + of(part), 0)
  return {
    played: parts.flatMap(({ played }) =>
      played.map(one => ({ ...one, verdicts: new Map<string, readonly Verdict[]>(one.verdicts) })),
    ),
    hours: sum(({ hours }) => hours),
    noisy: sum(({ noisy }) => noisy),
    findings: sum(({ findings }) => findings),
    processorSeconds: sum(({ processorSeconds }) => processorSeconds),
  }
}
