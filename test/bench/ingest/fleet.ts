/**
 * Nodes of eight GPUs that are made up, second by second, with the resolution that nvidia-smi and its GPM print: the same
 * values as frames of an agent and as a page that Prometheus scrapes.
 */
import type { FieldName } from '../../../wire/metrics'
import { Batch } from '../../../wire/table'

export const GPUS = 8
/** Seconds between two steps of a rank. */
export const STEP_SECONDS = 5
/** Nodes of one run: 1,024 ranks. */
export const RUN_NODES = 128

const MIB = 1024 ** 2
/** What changes from one second to the next: around `mean`, by steps of `unit`, within a wander of `spread` and a noise of `noise`. */
interface Gauge {
  readonly name: FieldName<'gpu'>
  readonly mean: number
  readonly unit: number
  readonly noise: number
  readonly spread: number
}
const gauge = (name: FieldName<'gpu'>, mean: number, unit: number, noise = 0, spread = 0): Gauge => ({
  name,
  mean,
  unit,
  noise,
  spread,
})
/** With the throttle reasons 25 metrics. */
const GAUGES: readonly Gauge[] = [
  gauge('utilizationRatio', 0.97, 0.01, 0.02),
  gauge('memoryUtilizationRatio', 0.55, 0.01, 0.05),
  gauge('memoryUsedBytes', 71_000 * MIB, MIB, 0, 400 * MIB),
  gauge('memoryTotalBytes', 81_559 * MIB, MIB),
  gauge('powerWatts', 620, 0.01, 25),
  gauge('powerLimitWatts', 700, 0.01),
  gauge('temperatureCelsius', 62, 1, 0, 3),
  gauge('memoryTemperatureCelsius', 78, 1, 0, 3),
  gauge('smClockHertz', 1.755e9, 15e6, 30e6),
  gauge('smClockMaxHertz', 1.98e9, 15e6),
  gauge('memoryClockHertz', 2.619e9, 1e6),
  gauge('pcieGeneration', 5, 1),
  gauge('pcieWidth', 16, 1),
  gauge('pcieReceiveBytesPerSecond', 2.1e9, 1e6, 2e8),
  gauge('pcieTransmitBytesPerSecond', 1.4e9, 1e6, 1e8),
  gauge('tensorActiveRatio', 0.42, 0.001, 0.03),
  gauge('smActiveRatio', 0.81, 0.001, 0.03),
  gauge('dramActiveRatio', 0.47, 0.001, 0.03),
  gauge('nvlinkReceiveBytesPerSecond', 1.1e11, 1e6, 6e9),
  gauge('nvlinkTransmitBytesPerSecond', 1.1e11, 1e6, 6e9),
  gauge('eccUncorrectedErrors', 0, 1),
  gauge('eccCorrectedErrors', 3, 1),
  gauge('remappedRowsUncorrectable', 0, 1),
  gauge('remappedRowsCorrectable', 1, 1),
]
export const METRICS = GAUGES.length + 1
/** Of each step: its name, mean seconds and their noise, told to tenths of a microsecond as the hook does. */
const PHASES = [
  ['data', 0.012, 0.002],
  ['forward', 1.3, 0.01],
  ['backward', 2.6, 0.02],
  ['communication', 0.88, 0.06],
  ['optimizer', 0.2, 0.002],
] as const
const POWER_CAP = JSON.stringify(['sw-power-cap'])

/** One noise for all: normal values drawn once, walked through from places of their own. */
const NOISE = Float64Array.from({ length: 1 << 16 }, () => {
  const [one, other] = [1 - Math.random(), Math.random()]
  return Math.sqrt(-2 * Math.log(one)) * Math.cos(2 * Math.PI * other)
})

export class SimulatedNode {
  readonly name: string
  readonly run: string
  private readonly values = new Float64Array(GPUS * GAUGES.length)
  private readonly wander = new Float64Array(GPUS * GAUGES.length)
  private readonly uuids: readonly string[]
  private readonly series: readonly string[]
  private place = Math.floor(Math.random() * NOISE.length)
  private throttled = false
  private step = 0
  private stepAt: number
  batch = new Batch()
  /** Of each second in the batch. */
  times: number[] = []

  /** `trains`: it has ranks, whose steps and phases it tells as well. */
  constructor(
    readonly number: number,
    private readonly trains = true,
  ) {
    this.name = `node-${String(number).padStart(5, '0')}`
    this.run = `job-${Math.floor(number / RUN_NODES)}`
    this.uuids = Array.from({ length: GPUS }, (_, gpu) => `GPU-${this.name}-${gpu}`)
    this.stepAt = Date.now() / 1000 + Math.random() * STEP_SECONDS
    this.series = this.uuids.flatMap((uuid, gpu) =>
      [...GAUGES.map(({ name }) => name), 'throttleReasons'].map(
        name => `plumbline_gpu_${name}{node="${this.name}",gpu="${gpu}",uuid="${uuid}"} `,
      ),
    )
  }

  private advance(): void {
    const { values, wander } = this
    let at = 0
    for (let gpu = 0; gpu < GPUS; gpu += 1) {
      for (const { mean, unit, noise, spread } of GAUGES) {
        this.place = (this.place + 7) & (NOISE.length - 1)
        const random = NOISE[this.place] ?? 0
        if (spread > 0) wander[at] = (wander[at] ?? 0) * 0.995 + (Math.abs(random) > 1.5 ? random * spread * 0.1 : 0)
        values[at] = Math.round((mean + random * noise + (wander[at] ?? 0)) / unit) * unit
        at += 1
      }
    }
    if ((NOISE[this.place] ?? 0) > 2.5) this.throttled = !this.throttled
  }

  /** One second of this node into its batch; gives the samples in it. */
  sample(now: number): void {
    this.advance()
    this.times.push(now)
    const table = this.batch.table('gpu')
    for (let gpu = 0; gpu < GPUS; gpu += 1) {
      table.begin().number('time', now).text('node', this.name).number('index', gpu)
      table.text('uuid', this.uuids[gpu]).text('name', 'NVIDIA H100 80GB HBM3').text('vendor', 'nvidia')
      table.text('source', 'nvidia-smi').text('throttleReasons', this.throttled ? POWER_CAP : '[]')
      let at = gpu * GAUGES.length
      for (const { name } of GAUGES) table.number(name, this.values[at++])
    }
    if (this.trains && now >= this.stepAt) this.ranks(now)
  }

  private ranks(now: number): void {
    const table = this.batch.table('step')
    this.step += 1
    this.stepAt += STEP_SECONDS
    for (let local = 0; local < GPUS; local += 1) {
      const told = PHASES.map(([name, mean, spread], phase) => {
        const noise = NOISE[(this.place + local * PHASES.length + phase) & (NOISE.length - 1)] ?? 0
        return [name, Math.abs(mean + noise * spread)] as const
      })
      const stepSeconds = told.reduce((sum, [, seconds]) => sum + seconds, 0)
      const phases = Object.fromEntries(
        told.map(([name, seconds]) => [name, { seconds: Math.round(seconds * 1e7) / 1e7 }]),
      )
      table.begin().number('time', now).text('run', this.run).text('node', this.name).text('source', 'hook')
      table.number('rank', (this.number % RUN_NODES) * GPUS + local).number('step', this.step)
      table
        .number('stepSeconds', stepSeconds)
        .number('tokens', 65_536)
        .number('loss', 2.5 - this.step * 1e-4)
      table.number('memoryAllocatedBytes', 6.1e10).number('memoryPeakBytes', 7.2e10).json('phases', phases)
    }
  }

  /** Takes what was gathered. */
  take(): { batch: Batch; times: number[] } {
    const { batch, times } = this
    this.batch = new Batch()
    this.times = []
    return { batch, times }
  }

  /** The page that Prometheus scrapes, with the values of now. */
  page(): string {
    this.advance()
    let text = ''
    let series = 0
    for (let gpu = 0; gpu < GPUS; gpu += 1) {
      for (let metric = 0; metric < METRICS; metric += 1) {
        const value = metric < GAUGES.length ? this.values[gpu * GAUGES.length + metric] : Number(this.throttled)
        text += `${this.series[series++]}${value}\n`
      }
    }
    return text
  }
}
