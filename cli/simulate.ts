/** `plumbline simulate`: a fleet with known faults, sent as agents send what they see; the truth is written beside it. */
import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import type { AgentHandle } from '../agent/agent'
import { sleep, unixSeconds } from '../base/clock'
import { PlumblineError } from '../base/errors'
import { seededRandom } from '../base/random'
import type { WireRecord } from '../wire/records'
import { defineCommand } from './command'
import { reachedHub } from './hub-answers'
import { startMessenger } from './messenger'
import { newRunId } from './run-id'
import { sizeAt, type Fault } from './simulate/faults'
import { Fleet, USUAL_TRANSFERS } from './simulate/fleet'
import { layoutOf, nodeName, type Layout } from './simulate/layout'
import { NOISE_LEVELS } from './simulate/noise'
import { announcement, deviceRecords, hangRecords, stepRecords } from './simulate/records'
import { describe, scenarios, USUAL_SIZE } from './simulate/scenarios'

const STEP_MICRO_BATCHES = 8
/** What leaves a leaf has that much less of the bandwidth. */
const CROSS_LEAF_RATIO = 1.2

const count = z.coerce.number().int().min(1).max(16_384)
const share = z.coerce.number().min(0.001).max(10)
const optionsSchema = z.object({
  ranks: count.min(8).default(64),
  tensor: count.default(2),
  pipeline: count.default(2),
  gpusPerNode: count.default(8),
  nodesPerLeaf: count.default(2),
  rails: z.boolean().default(false),
  leavesPerSpine: count.optional(),
  oversubscription: z.coerce.number().min(1).max(64).default(CROSS_LEAF_RATIO),
  experts: count.default(1),
  size: share.optional(),
  from: count.default(40),
  steps: count.default(200),
  stepSeconds: share.default(1),
  fast: z.boolean().default(false),
  noise: z.enum(NOISE_LEVELS.map(({ name }) => name) as [string, ...string[]]).default('usual'),
  seed: z.coerce.number().int().min(1).default(1),
  cables: z.boolean().default(true),
  truth: z.string().optional(),
})
type Options = z.infer<typeof optionsSchema>

/** A hub on a busy machine takes minutes for what was played at once; one that was never reached takes nothing. */
const FLUSH_MS = 3_600_000
const UNREACHED_MS = 120_000
/** After which a collective that hangs is told of. */
const WATCHDOG_SECONDS = 60
/** Who presses Ctrl-C waits no longer for what is on its way. */
const ENDS_WITHIN_MS = 3000
/** Exit code of who was ended by Ctrl-C. */
const INTERRUPTED = 130
/** Rows after which the agent gets a turn of the loop to write its spool. */
const ROWS = 20_000

function optionsOf(given: Readonly<Record<string, unknown>>): Options {
  const read = optionsSchema.safeParse(given)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const name = String(issue?.path[0] ?? '').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  throw new PlumblineError(`--${name}: ${issue?.message ?? 'not understood'}`, { fix: 'see plumbline simulate --help' })
}

function layoutFor(options: Options): Layout {
  const { ranks, tensor, pipeline, gpusPerNode, nodesPerLeaf, rails, leavesPerSpine, experts } = options
  const data = ranks / (tensor * pipeline)
  if (!Number.isInteger(data))
    throw new PlumblineError(`${ranks} ranks cannot be split in ${tensor} × ${pipeline}`, {
      fix: 'choose --tensor and --pipeline whose product divides --ranks',
    })
  if (data % experts !== 0)
    throw new PlumblineError(`${data} replicas cannot share ${experts} sets of experts`, {
      fix: 'choose --experts that divides --ranks / (--tensor × --pipeline)',
    })
  const shape = { tensor, pipeline, data, gpusPerNode, nodesPerLeaf, rails, leavesPerSpine, experts }
  return layoutOf({ ...shape, microBatches: STEP_MICRO_BATCHES })
}

interface Truth {
  readonly run: string
  readonly scenario: string
  readonly seed: number
  readonly faults: readonly (Omit<Fault, 'to'> & { readonly to: undefined; readonly costSecondsPerStep: number })[]
}

/** Nodes of a run’s fleet are no other’s: a hub that is shown several of them would hold their samples together. */
const nodesOf = (run: string, name: string) => name.replace(/\bnode(?=\d)/g, `${run.split('-').at(-1) ?? run}-node`)

/** Plays the fleet beside one in which nothing is wrong: the difference of their times is what the faults cost. */
class Show {
  private readonly broken: Fleet
  private readonly healthy: Fleet
  private readonly ends = { broken: 0, healthy: 0, brokenAtFault: 0, healthyAtFault: 0 }
  private readonly startedAt: number

  constructor(
    private readonly options: Options,
    private readonly faults: readonly Fault[],
    layout: Layout,
    private readonly about: { readonly run: string; readonly name: string; readonly synthetic: string },
  ) {
    const same = {
      layout,
      seed: options.seed,
      computeSeconds: options.stepSeconds,
      transferRatio: USUAL_TRANSFERS,
      noise: NOISE_LEVELS.find(({ name }) => name === options.noise) ?? NOISE_LEVELS[1] ?? failed(),
      crossLeafRatio: options.oversubscription,
    }
    this.broken = new Fleet({ ...same, faults })
    this.healthy = new Fleet({ ...same, faults: [] })
    // Played at once, it ends about now.
    this.startedAt = unixSeconds() - (options.fast ? 1.5 * options.steps * options.stepSeconds : 0)
  }

  /** Ends early where it is aborted. */
  async play(agent: AgentHandle, stopped: AbortSignal): Promise<void> {
    const { run } = this.about
    const add = (record: WireRecord) =>
      agent.add('node' in record && record.node !== undefined ? { ...record, node: nodesOf(run, record.node) } : record)
    const { stepSeconds: computeSeconds } = this.options
    const told = { ...this.about, startedAt: this.startedAt, computeSeconds }
    for (const record of announcement(this.broken, told))
      if (this.options.cables || record.kind !== 'topology') add(record)
    let rows = 0
    for (let number = 1; number <= this.options.steps && !stopped.aborted; number += 1) {
      const hung = this.faults.filter(({ kind, from }) => kind === 'hang' && number >= from)
      if (hung.length > 0) return this.hang(hung, number, add, stopped)
      const step = this.broken.next()
      const end = Math.max(...step.end)
      this.count(number, end)
      await this.until(end, stopped)
      for (const record of stepRecords(this.broken, step, told)) {
        add(record)
        rows += 1
        if (rows % ROWS === 0) await sleep(300, stopped)
      }
      // What comes and goes is seen all the time: a sample of a second is longer than a step may be.
      const shown = this.faults.map(fault => ({ fault, size: sizeAt(fault, number, () => 0) }))
      for (const record of deviceRecords(this.broken, step, shown, this.startedAt + end)) add(record)
    }
    const time = this.startedAt + this.ends.broken
    add({ kind: 'run', time, run, node: nodeName(0), state: 'ended', exitCode: 0 })
  }

  /** In fact, seconds from the start; played at once, that was long ago. */
  private async until(seconds: number, stopped: AbortSignal): Promise<void> {
    if (!this.options.fast) await sleep(Math.max(0, (this.startedAt + seconds - unixSeconds()) * 1000), stopped)
  }

  /** Nobody ends the run: watchdogs tell after a while who waits. */
  private async hang(
    hung: readonly Fault[],
    step: number,
    add: (record: WireRecord) => void,
    stopped: AbortSignal,
  ): Promise<void> {
    const end = this.ends.broken + WATCHDOG_SECONDS
    await this.until(end, stopped)
    const told = { run: this.about.run, time: this.startedAt + end }
    const ranks = hung.flatMap(fault => fault.ranks)
    for (const record of hangRecords(this.broken, ranks, step, told)) add(record)
  }

  private count(number: number, end: number): void {
    const healthy = Math.max(...this.healthy.next().end)
    const [first = { from: Infinity }] = this.faults
    if (number < first.from) Object.assign(this.ends, { brokenAtFault: end, healthyAtFault: healthy })
    Object.assign(this.ends, { broken: end, healthy })
  }

  /** Seconds per step from the first fault on: of all faults together. */
  get cost(): number {
    const { broken, healthy, brokenAtFault, healthyAtFault } = this.ends
    const steps = Math.max(1, this.options.steps - (this.faults[0]?.from ?? Infinity) + 1)
    return this.faults.length === 0 ? 0 : (broken - brokenAtFault - (healthy - healthyAtFault)) / steps
  }
}

function failed(): never {
  throw new Error('no level of noise is left')
}

const list = [...scenarios].map(({ name, help }) => `  ${name.padEnd(18)} ${help}`).join('\n')

export const command = defineCommand({
  settings: ['hub', 'port', 'token', 'data'],
  configure: command => {
    command
      .argument('<scenario>', 'one of those below')
      .option('--ranks <n>', 'ranks in all, 8 to 16384 (64)')
      .option('--tensor <n>', 'ranks of a tensor group (2)')
      .option('--pipeline <n>', 'pipeline stages (2); the rest is data parallel')
      .option('--gpus-per-node <n>', 'ranks of a node (8)')
      .option('--nodes-per-leaf <n>', 'nodes on one leaf switch (2)')
      .option('--rails', 'one leaf per GPU of a node, as on rails')
      .option('--leaves-per-spine <n>', 'leaves below one spine (all below one, which is not told)')
      .option('--oversubscription <ratio>', 'what leaves a leaf takes so many times as long (1.2)')
      .option('--experts <n>', 'sets of experts that the replicas share (1)')
      .option('--size <ratio>', 'of the fault: 0.3 takes 30 % longer (0.3; of links 3)')
      .option('--from <step>', 'at which it begins (40)')
      .option('--steps <n>', 'steps in all (200)')
      .option('--step-seconds <s>', 'compute of a step (1)')
      .option('--fast', 'do not wait: the run ends about now')
      .option('--noise <level>', 'calm, usual or rough (usual)')
      .option('--no-cables', 'tell nothing of the cables')
      .option('--seed <n>', 'the same seed gives the same fleet (1)')
      .option('--truth <file>', 'write the faults and their cost as JSON')
      .addHelpText('after', `\nScenarios:\n${list}`)
  },
  async run({ arguments: [name = ''], options: given, settings }) {
    const scenario = scenarios.get(name)
    if (scenario === undefined)
      throw new PlumblineError(`there is no scenario "${name}"`, { fix: `choose one of ${scenarios.names.join(', ')}` })
    const options = optionsOf(given)
    const layout = layoutFor(options)
    const { from, seed, size = scenario.size ?? USUAL_SIZE } = options
    const faults = scenario.faults({ layout, size, from, random: seededRandom(seed) })
    if (faults.length === 0 && name !== 'healthy')
      throw new PlumblineError('this fleet has no such link', { fix: 'take more ranks, or fewer nodes on a leaf' })
    const hub = await reachedHub(settings)
    const run = newRunId()
    const agent = await startMessenger({
      hub,
      token: settings.token,
      data: settings.data,
      spool: `simulate-${run}`,
      spoolBytes: 4 * 1024 ** 3,
      run,
      synthetic: true,
      log: () => undefined,
    })
    const stopped = new AbortController()
    process.once('SIGINT', () => {
      stopped.abort()
      setTimeout(() => process.exit(INTERRUPTED), ENDS_WITHIN_MS).unref()
    })
    const isJson = given['json'] === true
    const say = (line: string) => void (isJson || console.log(line))
    for (const fault of faults) say(`fault: ${nodesOf(run, describe(fault, layout))}`)
    say(`${hub}/runs/${run}`)
    const synthetic = `a simulated fleet of ${options.ranks} ranks: ${name}`
    const show = new Show(options, faults, layout, { run, name: `simulated ${name}`, synthetic })
    await show.play(agent, stopped.signal)
    const { pending } = await agent.stop({
      flushMs: stopped.signal.aborted ? ENDS_WITHIN_MS : FLUSH_MS,
      unreachedMs: UNREACHED_MS,
    })
    if (stopped.signal.aborted) return INTERRUPTED
    if (pending > 0) throw new PlumblineError(`${pending} batches were not taken by the hub at ${hub}`)
    const truth: Truth = {
      run,
      scenario: name,
      seed,
      // JSON knows no infinity: what never ends has no end.
      faults: faults.map(fault => ({
        ...fault,
        links: fault.links.map(link => nodesOf(run, link)),
        to: undefined,
        costSecondsPerStep: show.cost,
      })),
    }
    if (options.truth !== undefined) writeFileSync(options.truth, `${JSON.stringify(truth, null, 2)}\n`)
    if (isJson) console.log(JSON.stringify({ ...truth, url: `${hub}/runs/${run}` }))
    else if (faults.length > 0) say(`cost: ${show.cost.toFixed(4)} s a step in truth`)
    return 0
  },
})
