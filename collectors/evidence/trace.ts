/**
 * Traces of PyTorch's profiler: what each step of a rank spent on computing, on communication, on communication that
 * nothing covered, and on nothing. Pure; keeps two numbers for each kernel, of so many kernels as `spans.ts` holds.
 * https://github.com/pytorch/kineto/blob/main/libkineto/src/output_json.cpp
 */
import type { Phase } from '../../wire/metrics'
import type { RecordOf, WireRecord } from '../../wire/records'
import { Cover, union } from './intervals'
import { ELEMENT_BYTES, operationOf } from './operation'
import { Spans, type SpanKind } from './spans'
import { amountIn, member, numberIn, textIn } from './tree'

const STEP = /^ProfilerStep#(\d{1,12})$/
/** torch.optim marks each call; where the script names no steps, one ends with each. */
const OPTIMIZER = /^Optimizer\.step#\S{1,100}\.step$/
const COMMUNICATION = /^(?:void )?(?:nccl|rccl|mscclpp|msccl)/i
/** Collectives on the host: its own process groups, as annotations of the profiler. */
const HOST_COMMUNICATION = /^(?:gloo|mpi):/
const DEVICE = new Set(['kernel', 'gpu_memcpy', 'gpu_memset'])
/** Only these are parsed: most of a trace is operators and Python frames of the host. */
const WANTED =
  /"(?:kernel|gpu_memcpy|gpu_memset)"|"(?:ProfilerStep|Optimizer\.step)#|"(?:gloo|mpi):|"(?:CPU|CUDA) functions"/i

const FEWER = 'profile fewer steps, or cut the trace'
const MOST_COLLECTIVES = 500_000
const MOST_STEPS = 1_000_000

interface Window {
  readonly step: number | undefined
  readonly begin: number
  readonly end: number
}

interface Collective {
  readonly begin: number
  readonly seconds: number
  readonly operation: string
  readonly group: string | undefined
  readonly bytes: number | undefined
}

/** Microseconds on this scale are since the epoch (2001 and later); smaller ones count from `baseTimeNanoseconds`. */
const EPOCH_MICROSECONDS = 1e15

export class Trace {
  private readonly steps = new Map<number, { begin: number; end: number }>()
  private readonly collectives: Collective[] = []
  /** Where calls of the first optimizer end, on the device and on the host, which runs ahead of it. */
  private readonly optimizer = { name: '', device: [] as number[], host: [] as number[] }
  private rank: number | undefined
  private baseSeconds: number | undefined
  /** Events of interest. */
  events = 0

  constructor(private readonly spans = new Spans()) {}

  /** An element of `traceEvents`. */
  event(bytes: Buffer): void {
    const text = bytes.toString('latin1')
    if (!WANTED.test(text)) return
    const event = parsed(bytes)
    const name = textIn(event, 'name')
    const begin = numberIn(event, 'ts')
    const duration = amountIn(event, 'dur')
    if (name === undefined || begin === undefined || duration === undefined || textIn(event, 'ph') !== 'X') return
    this.events += 1
    const category = textIn(event, 'cat')?.toLowerCase()
    if (this.step(name, category, begin, begin + duration)) return
    const kind = kindOf(name, category, textIn(event, 'pid'))
    if (kind === undefined) return
    this.spans.add(kind, begin, begin + duration)
    if (kind === 'communication') this.collective(name, begin, duration, member(event, 'args'))
  }

  /** Another member of the trace. */
  header(name: string, bytes: Buffer): void {
    if (name === 'distributedInfo') this.rank = amountIn(parsed(bytes), 'rank')
    if (name !== 'baseTimeNanoseconds') return
    const nanoseconds = Number(bytes.toString('latin1').trim().slice(0, 40))
    if (nanoseconds > 0 && nanoseconds < 2 ** 63) this.baseSeconds = nanoseconds / 1e9
  }

  /** Steps of the host stand for the step; those of the device overlap each other. */
  private step(name: string, category: string | undefined, begin: number, end: number): boolean {
    const match = STEP.exec(name)
    if (match === null) return this.optimizerStep(name, category, end)
    if (category !== 'gpu_user_annotation' && this.steps.size < MOST_STEPS)
      this.steps.set(Number(match[1]), { begin, end })
    return true
  }

  private optimizerStep(name: string, category: string | undefined, end: number): boolean {
    if (!OPTIMIZER.test(name)) return false
    const { optimizer } = this
    if (optimizer.name === '') optimizer.name = name
    const ends = category === 'gpu_user_annotation' ? optimizer.device : optimizer.host
    if (optimizer.name === name && ends.length < MOST_STEPS) ends.push(end)
    return true
  }

  /** By their begin. Those between two calls of the optimizer have no number. */
  private windows(): Window[] {
    if (this.steps.size > 0)
      return [...this.steps].map(([step, span]) => ({ step, ...span })).sort((a, b) => a.begin - b.begin)
    const { device, host } = this.optimizer
    const ends = (device.length > 1 ? device : host).sort((a, b) => a - b)
    return ends.slice(1).map((end, at) => ({ step: undefined, begin: ends[at] ?? end, end }))
  }

  private collective(name: string, begin: number, duration: number, given: unknown): void {
    const operation = operationOf(textIn(given, 'Collective name') ?? name)
    if (operation === undefined || this.collectives.length >= MOST_COLLECTIVES) return
    const elements = amountIn(given, 'In msg nelems')
    const type = textIn(given, 'dtype') ?? ''
    const element = Object.hasOwn(ELEMENT_BYTES, type) ? ELEMENT_BYTES[type] : undefined
    const bytes = elements === undefined || element === undefined ? undefined : elements * element
    const group = textIn(given, 'Process Group Description') || textIn(given, 'Process Group Name')
    this.collectives.push({ begin, seconds: seconds(duration), operation, group: group?.slice(0, 200), bytes })
  }

  private timeOf(microseconds: number): number | undefined {
    if (microseconds >= EPOCH_MICROSECONDS) return microseconds / 1e6
    return this.baseSeconds === undefined ? undefined : this.baseSeconds + microseconds / 1e6
  }

  /** What is said of kernels that were let go. */
  private untold(): RecordOf<'event'>[] {
    const { left, horizon } = this.spans
    if (left === 0) return []
    const message = `what the later steps spent is not told: there are ${left} kernels more than are held`
    return [{ kind: 'event', type: 'untold', time: this.timeOf(horizon), rank: this.rank, message, fix: FEWER }]
  }

  records(): WireRecord[] {
    const { horizon } = this.spans
    const compute = new Cover(union(this.spans.compute))
    const communication = new Cover(union(this.spans.communication))
    const together = new Cover(union(compute.merged.concat(communication.merged)))
    const busy = new Cover(union(together.merged.concat(this.spans.copies)))
    const steps = this.windows()
    const phasesOf = (begin: number, end: number): Record<string, Phase> => ({
      compute: { seconds: seconds(compute.within(begin, end)) },
      communication: { seconds: seconds(communication.within(begin, end)) },
      'exposed-communication': { seconds: seconds(together.within(begin, end) - compute.within(begin, end)) },
      idle: { seconds: seconds(end - begin - busy.within(begin, end)) },
    })
    const [first, end] = [busy.merged[0], busy.merged.at(-1)]
    const last = end === undefined ? undefined : Math.min(end, horizon)
    const isBusy = first !== undefined && last !== undefined
    const stepRecords = steps.map(({ step, begin, end }): RecordOf<'step'> => ({
      kind: 'step',
      time: this.timeOf(end),
      rank: this.rank,
      source: 'kineto-trace',
      step,
      stepSeconds: seconds(end - begin),
      phases: isBusy && end <= horizon ? phasesOf(begin, end) : undefined,
    }))
    // A trace that marks no steps tells of itself as a whole, from its first kernel to the end of its last.
    if (steps.length === 0 && isBusy)
      stepRecords.push({
        kind: 'step',
        time: this.timeOf(last),
        rank: this.rank,
        source: 'kineto-trace',
        phases: phasesOf(first, last),
      })
    this.collectives.sort((a, b) => a.begin - b.begin)
    let at = 0
    const found = this.collectives.map(({ begin, ...collective }): RecordOf<'collective'> => {
      while ((steps[at + 1]?.begin ?? Infinity) <= begin) at += 1
      const window = steps[at]
      const inside = window !== undefined && begin >= window.begin && begin < window.end
      const time = this.timeOf(begin)
      return { kind: 'collective', time, rank: this.rank, ...collective, step: inside ? window.step : undefined }
    })
    return [...stepRecords, ...found, ...this.untold()]
  }
}

/** What a span is; undefined where it is none that counts. */
function kindOf(name: string, category: string | undefined, process: string | undefined): SpanKind | undefined {
  // Before Kineto events had no category. Without a device its operators are the computation.
  if (category === undefined) {
    if (HOST_COMMUNICATION.test(name)) return 'communication'
    if (process === 'CUDA functions') return COMMUNICATION.test(name) ? 'communication' : 'compute'
    return process === 'CPU functions' && name.startsWith('aten::') ? 'compute' : undefined
  }
  if (!DEVICE.has(category)) return HOST_COMMUNICATION.test(name) ? 'communication' : undefined
  if (category !== 'kernel') return 'copies'
  return COMMUNICATION.test(name) ? 'communication' : 'compute'
}

/** What differences of doubles leave over is no time. */
const seconds = (microseconds: number) => Math.max(0, Number((microseconds / 1e6).toFixed(9)))

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
