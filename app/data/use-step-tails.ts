'use client'
/** The last step times of each run of the list: asked for once, then grown by what the list itself says. */
import { useEffect, useRef, useState } from 'react'
import type { RunSummary } from '../../wire/api'
import { door } from './door'

const POINTS = 60
/** Only the first of the list get a line: a hundred old runs are not asked for. */
const MOST_RUNS = 12

interface Tail {
  readonly step: number | null
  readonly values: readonly (number | null)[]
}
export type Tails = ReadonlyMap<string, readonly (number | null)[]>

function grown(tail: Tail, run: RunSummary): Tail {
  if (run.step === null || run.step === tail.step) return tail
  return { step: run.step, values: [...tail.values, run.stepSeconds.value].slice(-POINTS) }
}

export function useStepTails(runs: readonly RunSummary[]): Tails {
  const [tails, setTails] = useState<ReadonlyMap<string, Tail>>(new Map())
  const asked = useRef(new Set<string>())
  useEffect(() => {
    for (const run of runs.slice(0, MOST_RUNS)) {
      if (asked.current.has(run.run)) continue
      asked.current.add(run.run)
      door.steps(run.run, { points: POINTS }).then(
        ({ step, stepSeconds }) =>
          setTails(old => new Map(old).set(run.run, { step: step.at(-1) ?? null, values: stepSeconds })),
        () => asked.current.delete(run.run),
      )
    }
    // eslint-disable-next-line react-hooks/set-state-in-effect -- the list is pushed from outside; this is its reducer
    setTails(old => new Map([...old].map(([id, tail]) => [id, growOf(runs, id, tail)])))
  }, [runs])
  return new Map([...tails].map(([id, tail]) => [id, tail.values]))
}

function growOf(runs: readonly RunSummary[], id: string, tail: Tail): Tail {
  const run = runs.find(each => each.run === id)
  return run === undefined ? tail : grown(tail, run)
}
