/** What a prediction lacks, as one says it to a person, and where it would come from. Pure. */
import type { Prediction } from '../../math/predict'

const GROUPS = [
  { of: /^model(\.|$)/, text: 'the dimensions of the model' },
  { of: /^hardware/, text: 'the GPU (its name, or a measured peak)' },
  { of: /^batch/, text: 'the batch' },
  { of: /^parallelism/, text: 'how ranks share the work' },
] as const

/** `the dimensions of the model, the batch`; empty where nothing is missing. */
export function needsText(missing: Prediction['missing']): string {
  const needs = [...new Set(missing.flatMap(entry => entry.needs))]
  const grouped = GROUPS.flatMap(({ of, text }) => {
    const some = needs.filter(need => of.test(need))
    return some.length === 0 ? [] : [some.length === 1 ? (some[0] ?? text) : text]
  })
  const others = needs.filter(need => !GROUPS.some(({ of }) => of.test(need)))
  return [...grouped, ...others].join(', ')
}

/** Where a run's configuration comes from. */
export const TELL_IT = 'The log prints them, or the hook is given the model: plumbline_hook.attach(model, optimizer).'
