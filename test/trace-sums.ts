/**
 * What a trace’s steps spend on computing, communication and nothing, counted anew and in another way than the collector
 * counts: moment by moment from the begins and ends of all kernels, by the names that HTA goes by.
 * https://github.com/facebookresearch/HolisticTraceAnalysis/blob/main/hta/utils/utils.py
 */
/** Seconds of a window. */
export interface TraceSums {
  /** Undefined of a trace that marks no steps: those between calls of the optimizer, else from the first kernel to the end of the last. */
  readonly step: number | undefined
  readonly compute: number
  readonly communication: number
  readonly exposed: number
  readonly idle: number
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Kind = 'compute' | 'communication' | 'memory'

interface Span {
  readonly kind: Kind
  readonly begin: number
  readonly end: number
}

function kindOf(name: string, category: unknown, process: unknown): Kind | undefined {
  if (/^(?:gloo|mpi):/.test(name)) return 'communication'
  const isOfDevice =
    category === undefined
      ? process === 'CUDA functions' || (process === 'CPU functions' && name.startsWith('aten::'))
      : ['kernel', 'gpu_memcpy', 'gpu_memset'].includes(String(category).toLowerCase())
  if (!isOfDevice) return undefined
  if (/^(?:Memcpy|Memset|dma)/i.test(name)) return 'memory'
  return /nccl|rccl/i.test(name) ? 'communication' : 'compute'
}

/** Microseconds in which each set of kinds was busy between two moments. */
function between(spans: readonly Span[], from: number, to: number): Omit<TraceSums, 'step'> {
  const active = { compute: 0, communication: 0, memory: 0 }
  const sums = { compute: 0, communication: 0, exposed: 0, idle: 0 }
  const marks = spans
    .flatMap(({ kind, begin, end }) => [
      { at: Math.min(Math.max(begin, from), to), kind, change: 1 },
      { at: Math.min(Math.max(end, from), to), kind, change: -1 },
    ])
    .sort((one, other) => one.at - other.at)
  let before = from
  const pass = (now: number) => {
    const seconds = (now - before) / 1e6
    if (active.compute > 0) sums.compute += seconds
    if (active.communication > 0) sums.communication += seconds
    if (active.communication > 0 && active.compute === 0) sums.exposed += seconds
    if (active.compute + active.communication + active.memory === 0) sums.idle += seconds
    before = now
  }
  for (const { at, kind, change } of marks) {
    pass(at)
    active[kind] += change
  }
  pass(to)
  return sums
}

/** From one end of an optimizer's call to the next: on the device where it is marked there, else on the host. */
function betweenCalls(calls: readonly { end: number; onDevice: boolean }[]): { begin: number; end: number }[] {
  const onDevice = calls.filter(call => call.onDevice)
  const ends = (onDevice.length > 1 ? onDevice : calls.filter(call => !call.onDevice)).map(({ end }) => end)
  ends.sort((one, other) => one - other)
  return ends.slice(1).map((end, place) => ({ begin: ends[place] ?? NaN, end }))
}

/** Steps by the moment at which they begin. Events without a duration, and what is no trace, count for nothing. */
export function traceSums(text: string): TraceSums[] {
  const whole = JSON.parse(text) as unknown
  const events: unknown = isRecord(whole) ? whole['traceEvents'] : whole
  const spans: Span[] = []
  const steps = new Map<number, { begin: number; end: number }>()
  const calls: { end: number; onDevice: boolean }[] = []
  for (const event of Array.isArray(events) ? events : []) {
    if (!isRecord(event) || event['ph'] !== 'X') continue
    const [name, category] = [String(event['name']), event['cat']]
    const [begin, duration] = [Number(event['ts']), Number(event['dur'])]
    if (!(duration >= 0) || Number.isNaN(begin)) continue
    const step = /^ProfilerStep#(\d+)$/.exec(name)?.[1]
    if (step !== undefined && category !== 'gpu_user_annotation')
      steps.set(Number(step), { begin, end: begin + duration })
    if (name.startsWith('Optimizer.step#'))
      calls.push({ end: begin + duration, onDevice: category === 'gpu_user_annotation' })
    const kind = kindOf(name, category, event['pid'])
    if (step === undefined && kind !== undefined) spans.push({ kind, begin, end: begin + duration })
  }
  if (spans.length === 0) return []
  const windows = betweenCalls(calls)
  if (steps.size === 0 && windows.length > 0)
    return windows.map(({ begin, end }) => ({ step: undefined, ...between(spans, begin, end) }))
  if (steps.size === 0) {
    const from = spans.reduce((least, { begin }) => Math.min(least, begin), Infinity)
    const to = spans.reduce((most, { end }) => Math.max(most, end), -Infinity)
    return [{ step: undefined, ...between(spans, from, to) }]
  }
  return [...steps]
    .sort(([, one], [, other]) => one.begin - other.begin)
    .map(([step, { begin, end }]) => ({ step, ...between(spans, begin, end) }))
}
