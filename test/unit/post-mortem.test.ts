/** Why memory ran out, and what would have fitted: over jobs whose truth is known, because a model made it. */
import { describe, expect, it } from 'vitest'
import { postMortemOf, type Scene } from '../../analysis/post-mortem/index'
import { changedBy } from '../../analysis/post-mortem/changes'
import { seededRandom } from '../../base/random'
import type { PredictInput } from '../../math/input'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'
import type { CauseName, PostMortem, Remedy } from '../../wire/post-mortem'

const GIB = 1024 ** 3
const STEPS = 60

/** What no prediction knows of a job: how much its activations really hold, its context, what lies beside it. */
interface Truth {
  readonly job: PredictInput
  readonly activationFactor: number
  readonly contextBytes: number
  readonly capacity: number
}

/** Bytes that tensors really take. */
function tensorsOf({ activationFactor }: Truth, job: PredictInput): number {
  return predict({ ...job, calibration: { activationFactor } }).memory.totalBytes ?? NaN
}

const MODELS = ['gpt2-xl', 'llama-3-8b', 'llama-2-13b', 'llama-3-70b', 'mixtral-8x7b'] as const
const LAYOUTS: readonly PredictInput['parallelism'][] = [
  { worldSize: 8, zeroStage: 3 },
  { worldSize: 16, tensor: 2, zeroStage: 1, sequenceParallel: true },
  { worldSize: 32, tensor: 4, pipeline: 2, zeroStage: 1, sequenceParallel: true },
  { worldSize: 64, tensor: 8, pipeline: 4, zeroStage: 1, sequenceParallel: true },
  { worldSize: 16, zeroStage: 2 },
]

const PLANS = ['none', 'selective', 'full'].flatMap(recompute =>
  [1, 2, 4, 8, 16, 32].map(micro => [micro, recompute] as const),
)

/** Jobs on an 80 GB device with micro-batches that take between these shares of it. */
function jobsBetween(least: number, most: number, random: () => number): Truth[] {
  return MODELS.flatMap(name =>
    LAYOUTS.flatMap(parallelism =>
      PLANS.flatMap(([micro, recompute]) => {
        const sequenceLength = name === 'gpt2-xl' ? 1024 : 4096
        const job: PredictInput = {
          framework: 'megatron',
          model: { ...findPreset(name)?.model, sequenceLength },
          parallelism,
          batch: { micro, global: 1024 },
          precision: 'bf16',
          optimizer: 'adamw',
          recompute,
          hardware: { gpu: 'h100-sxm', networkBytesPerSecond: 50e9 },
          flashAttention: true,
        }
        const truth = {
          job,
          activationFactor: 0.8 + 0.6 * random(),
          contextBytes: (0.6 + 1.2 * random()) * GIB,
          capacity: 79.1 * GIB,
        }
        const share = tensorsOf(truth, job) / truth.capacity
        return (name !== 'gpt2-xl' || (parallelism?.tensor ?? 1) === 1) && share > least && share < most ? [truth] : []
      }),
    ),
  )
}

interface Case {
  readonly truth: Truth
  readonly cause: CauseName
  readonly scene: Scene
  /** Whether the job so changed really fits. */
  readonly fits: (remedy: Remedy) => boolean
}

/** The end of a job as its log tells of it. */
function sceneOf(
  truth: Truth,
  peaks: readonly number[],
  at: { tensors: number; unused?: number; others?: number; requested: number },
): Scene {
  const { capacity, contextBytes, job } = truth
  const unused = at.unused ?? 0.02 * at.tensors
  const process = at.tensors + unused + contextBytes
  const free = Math.max(0, capacity - process - (at.others ?? 0))
  const time = peaks.length
  return {
    run: 'r',
    config: job,
    device: {},
    peaksByRank: new Map([[3, peaks.at(-1) ?? at.tensors]]),
    events: [
      {
        kind: 'event',
        type: 'oom',
        time: time + 0.5,
        rank: 3,
        message: 'CUDA out of memory.',
        requestedBytes: at.requested,
        capacityBytes: capacity,
        freeBytes: free,
        processBytes: process,
        allocatedBytes: at.tensors,
        reservedUnallocatedBytes: unused,
      },
      {
        kind: 'event',
        type: 'nccl-timeout',
        time: time + 60,
        rank: 1,
        message: 'Watchdog caught collective operation timeout',
      },
    ],
    history: {
      step: peaks.map((_, index) => index),
      time: peaks.map((_, index) => index),
      peakBytes: peaks,
      reservedBytes: peaks.map(peak => 1.02 * peak),
    },
    ...(peaks.length > 0 && { lastStep: peaks.length - 1, lastStepAt: peaks.length - 1 }),
    ...(peaks.length === 0 && { lastStep: undefined, lastStepAt: undefined }),
  } as Scene
}

const noisy = (bytes: number, random: () => number) =>
  Array.from({ length: STEPS }, () => bytes * (1 + 0.01 * (random() - 0.5)))

/** The job by the plan that a remedy names. */
function plannedJob(job: PredictInput, title: string): PredictInput {
  const of = (name: string) => Number(new RegExp(`${name} (\\d+)`).exec(title)?.[1])
  const [tensor, pipeline, context, data] = [of('tensor'), of('pipeline'), of('context'), of('data')]
  return {
    ...job,
    parallelism: { tensor, pipeline, context, data, zeroStage: of('ZeRO'), sequenceParallel: tensor > 1 },
    batch: { ...job.batch, micro: of('micro-batch') },
    recompute: /recomputation (\w+)/.exec(title)?.[1],
  }
}

function changedFits(truth: Truth, { name, title }: Remedy, beside = 0): boolean {
  const changed = name === 'plan' ? plannedJob(truth.job, title) : changedBy(name, truth.job)
  if (changed === undefined) return false
  return 1.02 * tensorsOf(truth, changed) + truth.contextBytes + beside <= truth.capacity
}

const CASES: readonly {
  readonly cause: CauseName
  readonly least: number
  readonly most: number
  readonly of: (truth: Truth, random: () => number) => Omit<Case, 'truth' | 'cause'>
}[] = [
  {
    cause: 'too-large',
    least: 1.02,
    most: 2.5,
    of(truth) {
      const whole = tensorsOf(truth, truth.job)
      const tensors = 0.9 * truth.capacity
      const scene = sceneOf(truth, [], { tensors, requested: whole - tensors + 0.05 * truth.capacity })
      return { scene, fits: one => changedFits(truth, one) || one.name === 'device' }
    },
  },
  {
    cause: 'leak',
    least: 0.3,
    most: 0.85,
    of(truth) {
      const base = tensorsOf(truth, truth.job)
      const end = 0.96 * truth.capacity - truth.contextBytes
      const peaks = Array.from({ length: STEPS }, (_, step) => base + ((end - base) * step) / STEPS)
      return { scene: sceneOf(truth, peaks, { tensors: end, requested: 3 * GIB }), fits: ({ name }) => name === 'leak' }
    },
  },
  {
    cause: 'fragmentation',
    least: 0.5,
    most: 0.8,
    of(truth, random) {
      const tensors = tensorsOf(truth, truth.job)
      const unused = truth.capacity - tensors - truth.contextBytes - 0.3 * GIB
      const requested = Math.min(0.8 * unused, (1 + 2 * random()) * GIB)
      return {
        scene: sceneOf(truth, noisy(tensors, random), { tensors, unused, requested }),
        fits: one => one.name === 'expandable-segments' || changedFits(truth, one),
      }
    },
  },
  {
    cause: 'neighbour',
    least: 0.4,
    most: 0.85,
    of(truth, random) {
      const tensors = tensorsOf(truth, truth.job)
      const requested = 0.5 * GIB
      const others = truth.capacity - 1.02 * tensors - truth.contextBytes - 0.2 * GIB
      return {
        scene: sceneOf(truth, noisy(tensors, random), { tensors, others, requested }),
        fits: one => one.name === 'neighbour' || changedFits(truth, one, others),
      }
    },
  },
  {
    cause: 'larger-step',
    least: 0.35,
    most: 0.75,
    of(truth, random) {
      const usual = tensorsOf(truth, truth.job)
      const tensors = 0.93 * truth.capacity - truth.contextBytes
      const scene = sceneOf(truth, noisy(usual, random), { tensors, requested: 0.08 * truth.capacity })
      return { scene, fits: ({ name }) => name === 'length' }
    },
  },
]

function allCases(): Case[] {
  const random = seededRandom(7)
  return CASES.flatMap(({ cause, least, most, of }) =>
    jobsBetween(least, most, random).map(truth => ({ truth, cause, ...of(truth, random) })),
  )
}

const answered = allCases().map(one => ({ ...one, answer: postMortemOf(one.scene) as PostMortem }))
const share = (held: readonly boolean[]) => held.filter(Boolean).length / held.length

describe('a post-mortem of jobs whose truth is known', () => {
  it('is held against at least 200 of them, of every cause', () => {
    expect(answered.length).toBeGreaterThanOrEqual(200)
    for (const { cause } of CASES) expect(answered.filter(one => one.cause === cause).length).toBeGreaterThan(20)
  })

  it.each(CASES.map(({ cause }) => cause))('names the cause: %s', cause => {
    const own = answered.filter(one => one.cause === cause)
    const named = own.map(({ answer }) => answer.causes[0]?.name)
    expect(share(named.map(name => name === cause)), named.join(' ')).toBeGreaterThanOrEqual(0.95)
  })

  it.each(CASES.map(({ cause }) => cause))('suggests first what really fits: %s', cause => {
    const own = answered.filter(one => one.cause === cause)
    const misses = own.filter(({ answer, fits }) => answer.remedies[0] === undefined || !fits(answer.remedies[0]))
    const told = misses.map(({ answer }) => answer.remedies[0]?.name ?? 'nothing').join(' ')
    expect(1 - misses.length / own.length, told).toBeGreaterThanOrEqual(0.95)
  })

  it('has parts that add up to the device, and never a negative one', () => {
    for (const { answer, truth } of answered) {
      const sum = answer.parts.reduce((all, { bytes }) => all + bytes, 0)
      expect(sum / truth.capacity).toBeCloseTo(1, 6)
      for (const { bytes } of answer.parts) expect(bytes).toBeGreaterThan(0)
      expect(answer.victims.map(({ type }) => type)).toEqual(['nccl-timeout'])
      expect(answer.recovered).toBe(false)
    }
  })

  it('is none where no memory ran out, and says what it lacks where little is known', () => {
    const [{ scene } = { scene: undefined }] = answered
    if (scene === undefined) throw new Error('there are no cases')
    expect(postMortemOf({ ...scene, events: scene.events.slice(1) })).toBeUndefined()
    const bare: Scene = {
      run: 'r',
      config: undefined,
      device: {},
      peaksByRank: new Map(),
      lastStep: undefined,
      lastStepAt: undefined,
      events: [{ kind: 'event', type: 'oom', message: 'CUDA error: out of memory' }],
      history: { step: [], time: [], peakBytes: [], reservedBytes: [] },
    }
    const answer = postMortemOf(bare)
    expect(answer?.gaps).toHaveLength(3)
    expect(answer?.causes).toHaveLength(1)
    expect(answer?.parts).toEqual([])
  })

  it('tells an error that was caught from an end', () => {
    const [{ scene } = { scene: undefined }] = answered.filter(({ cause }) => cause === 'leak')
    if (scene === undefined) throw new Error('there are no cases')
    expect(postMortemOf({ ...scene, lastStepAt: 1e6 })?.recovered).toBe(true)
  })
})

const [LEAK] = answered.filter(({ cause }) => cause === 'leak')
/** A run of 60 steps of 50 GiB, of which some are changed; the last event ends it. */
function endOf(change: Partial<Scene>, event: Partial<Scene['events'][number]> = {}): PostMortem {
  const steps = Array.from({ length: STEPS }, (_, step) => step)
  const flat = steps.map(step => (50 + 0.2 * Math.sin(step)) * GIB)
  const scene: Scene = {
    run: 'r',
    config: LEAK?.scene.config,
    device: {},
    peaksByRank: new Map([[3, 50 * GIB]]),
    lastStep: STEPS - 1,
    lastStepAt: STEPS - 1,
    history: { step: steps, time: steps, peakBytes: flat, reservedBytes: flat.map(bytes => 1.02 * bytes) },
    events: [],
    ...change,
  }
  const figures = { capacityBytes: 79.1 * GIB, freeBytes: 2 * GIB, processBytes: 77 * GIB, allocatedBytes: 70 * GIB }
  const end = {
    kind: 'event',
    type: 'oom',
    rank: 3,
    time: STEPS,
    message: 'CUDA out of memory.',
    ...figures,
    ...event,
  } as const
  const found = postMortemOf({ ...scene, events: [...scene.events, end] })
  if (found === undefined) throw new Error('no post-mortem')
  return found
}
const firstCause = (found: PostMortem) => found.causes[0]?.name

describe('growth before the end', () => {
  const steps = Array.from({ length: STEPS }, (_, step) => step)
  const requestedBytes = 3 * GIB

  it('steady, of tensors: a leak; of what is reserved alone: fragmentation that creeps', () => {
    const rising = steps.map(step => (50 + step / 3) * GIB)
    const flat = steps.map(() => 50 * GIB)
    const leak = endOf(
      { history: { step: steps, time: steps, peakBytes: rising, reservedBytes: rising } },
      { requestedBytes },
    )
    expect(firstCause(leak)).toBe('leak')
    const creep = endOf(
      { history: { step: steps, time: steps, peakBytes: flat, reservedBytes: rising } },
      { allocatedBytes: 50 * GIB, reservedUnallocatedBytes: 20 * GIB, requestedBytes: 21 * GIB },
    )
    expect(firstCause(creep)).toBe('fragmentation-creep')
  })

  it.each(['evaluation', 'checkpoint'])('none, and then another kind of work: %s', type => {
    const event = { kind: 'event', type, time: STEPS - 0.5, message: `${type} begins` } as const
    expect(firstCause(endOf({ events: [event] }, { requestedBytes }))).toBe('checkpoint-or-evaluation')
  })

  it('none, and then a step that wants more than any before', () => {
    expect(firstCause(endOf({}, { requestedBytes: 12 * GIB }))).toBe('larger-step')
  })

  it('none yet: the first optimizer step brings its states', () => {
    const history = { step: [0], time: [0], peakBytes: [30 * GIB], reservedBytes: [31 * GIB] }
    const found = endOf({ history, lastStep: 0, lastStepAt: 0 }, { allocatedBytes: 74 * GIB, requestedBytes })
    expect(found.causes.map(({ name }) => name)).toContain('first-optimizer-step')
  })

  it('uneven over the ranks: the fuller stage', () => {
    const peaksByRank = new Map([0, 1, 2, 3].map(rank => [rank, (rank === 3 ? 74 : 50) * GIB]))
    const history = {
      step: steps,
      time: steps,
      peakBytes: steps.map(() => 73 * GIB),
      reservedBytes: steps.map(() => 74 * GIB),
    }
    const found = endOf({ peaksByRank, history }, { allocatedBytes: 73 * GIB, requestedBytes: GIB })
    expect(found.causes.map(({ name }) => name)).toContain('uneven-stage')
  })

  it('of another process', () => {
    expect(firstCause(endOf({}, { processBytes: 55 * GIB, allocatedBytes: 52 * GIB, requestedBytes }))).toBe(
      'neighbour',
    )
  })
})

describe('the event that began it', () => {
  it('is of the rank that the launcher saw fail first, though others speak earlier and more', () => {
    const cascade = [
      {
        kind: 'event',
        type: 'oom',
        rank: 5,
        time: STEPS,
        message: 'CUDA out of memory.',
        requestedBytes: 1,
        capacityBytes: 2,
      },
      { kind: 'event', type: 'crash', rank: 3, time: STEPS + 2, message: 'rank 3 failed first, with exit code 1' },
    ] as const
    expect(endOf({ events: cascade }, { time: STEPS + 1 }).event.rank).toBe(3)
  })

  it('is a kill where nothing else tells of memory, and is said to be a guess', () => {
    const found = endOf({}, { type: 'exit', message: 'ended by SIGKILL', exitCode: 137 })
    expect(found).toMatchObject({ memory: 'host', causes: [{ name: 'killed', certainty: 'possible' }] })
  })

  it('has the parts that XLA tells of, and knows what the program needs', () => {
    const parts = [
      { name: 'HLO temp', bytes: 30 * GIB },
      { name: 'arguments', bytes: 12 * GIB },
      { name: 'fusion', bytes: 4 * GIB, largest: true },
    ]
    const message = 'RESOURCE_EXHAUSTED: Ran out of memory in memory space hbm. Used 42.50G of 15.48G hbm.'
    const event = {
      kind: 'event',
      type: 'oom',
      time: 1,
      message,
      parts,
      requestedBytes: 42.5 * GIB,
      capacityBytes: 15.48 * GIB,
    } as const
    const found = postMortemOf({
      ...{ run: 'r', config: undefined, device: {}, peaksByRank: new Map<number, number>() },
      ...{ lastStep: undefined, lastStepAt: undefined, events: [event] },
      history: { step: [], time: [], peakBytes: [], reservedBytes: [] },
    })
    expect(found?.parts.map(({ name }) => name)).toEqual(['HLO temp', 'arguments'])
    expect(found?.remedies.find(({ name }) => name === 'device')?.headroomBytes).toBeGreaterThan(0)
  })

  it('tells shared memory and a limit of the process from a device that is full', () => {
    const shared = endOf(
      {},
      { type: 'host-oom', message: 'DataLoader worker is killed by signal: Bus error. out of shared memory.' },
    )
    expect(firstCause(shared)).toBe('shared-memory')
    const limited = endOf(
      {},
      {
        message: 'HIP out of memory. 1.50 GiB allowed; Of the allocated memory',
        freeBytes: 70 * GIB,
        requestedBytes: GIB,
      },
    )
    expect(firstCause(limited)).toBe('process-limit')
    expect(limited.remedies[0]?.name).toBe('process-limit')
  })
})
