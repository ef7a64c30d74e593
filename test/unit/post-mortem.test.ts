/** Why memory ran out, and what would have fitted: over jobs whose truth is known, because a model made it. */
import { describe, expect, it } from 'vitest'
import { postMortemOf, type Scene } from '../../analysis/post-mortem/index'
import type { PostMortem } from '../../wire/post-mortem'
import { allCases, CASES, GIB, STEPS } from '../over-full-jobs'

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
