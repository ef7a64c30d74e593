/** The summary of DeepSpeed's FLOPs profiler. The tree of modules below it is left out. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { countOf, flopsOf, numberOf, scaled } from './values'

export type Profile = { step: number | null; figures: { [name: string]: string } }
type State = { profile: Profile | null; sized: boolean }

const BEGIN = /^-{20,40} DeepSpeed Flops Profiler -{20,40}$/
const STEP = /^Profile Summary at step (\d{1,12}):$/
/** Words of the heading's explanation of its own terms. */
const NOTATION =
  /^(?:Notations:|data parallel size \(dp_size\)|number of (?:parameters|floating)|umber of floating|fwd latency \(|step \(weights)/
const FIGURE = /^ {0,4}([a-zA-Z+][\w +*=/().:-]{2,90}?): {1,80}(\S.{0,40})$/
const END = /^-{20,40} Aggregated Profile per GPU -{20,40}$/
/** Figures of one profile; a real one has some twenty. */
const MOST_FIGURES = 64

const DURATION: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, us: 1e-6 }

function durationOf(text: string | undefined): number | undefined {
  const match = /^([\d.]{1,16}) ?(s|ms|us)$/.exec(text ?? '')
  return match === null ? undefined : scaled(numberOf(match[1]), DURATION[match[2] ?? ''] ?? 1)
}

/** Names end in the formula that gave them, which differs between years. */
function figureOf({ figures }: Profile, ...starts: readonly string[]): string | undefined {
  const name = Object.keys(figures).find(key => starts.some(start => key.toLowerCase().startsWith(start)))
  return name === undefined ? undefined : figures[name]
}

/** Parameters are rounded here: what was told exactly before stays. */
function configOf(profile: Profile, sized: boolean): RecordOf<'config'> {
  return {
    kind: 'config',
    model: sized ? undefined : { parameters: countOf(figureOf(profile, 'params of model')) },
    parallelism: {
      worldSize: numberOf(figureOf(profile, 'world size')),
      tensor: numberOf(figureOf(profile, 'model parallel size', 'model paralel size')),
      data: numberOf(figureOf(profile, 'data parallel size')),
    },
    batch: { micro: numberOf(figureOf(profile, 'batch size per gpu')) },
  }
}

function stepOf(profile: Profile): RecordOf<'step'> {
  const latencies = ['fwd', 'bwd', 'step'].map(
    name => [name, durationOf(figureOf(profile, `${name} latency`))] as const,
  )
  const known = latencies.flatMap(([name, seconds]) => (seconds === undefined ? [] : [[name, { seconds }] as const]))
  return {
    kind: 'step',
    source: 'deepspeed',
    step: profile.step ?? undefined,
    samplesPerSecond: numberOf(figureOf(profile, 'samples/second')),
    flopsPerSecondPerGpu: flopsOf(figureOf(profile, 'flops per gpu')),
    phases: known.length === 0 ? undefined : Object.fromEntries(known),
  }
}

/** What an open profile holds. */
function close(state: State): WireRecord[] {
  const { profile } = state
  state.profile = null
  return profile === null ? [] : [configOf(profile, state.sized), stepOf(profile)]
}

export function readProfile(text: string, state: State): WireRecord[] | undefined {
  if (text.length > 400) return undefined
  if (text.startsWith('---') && BEGIN.test(text)) {
    state.profile = { step: null, figures: {} }
    return []
  }
  const step = text.startsWith('Profile Summary') ? STEP.exec(text) : null
  if (step !== null) {
    state.profile = { step: Number(step[1]), figures: {} }
    return []
  }
  const { profile } = state
  if (profile === null) return undefined
  if (END.test(text)) return close(state)
  if (NOTATION.test(text)) return []
  const figure = FIGURE.exec(text)
  if (figure === null || Object.keys(profile.figures).length >= MOST_FIGURES) return undefined
  profile.figures[figure[1] ?? ''] = (figure[2] ?? '').trim()
  return []
}
