import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { CollectorSettings, Json, Session } from '../../collectors/collector'
import { localHost, type Host } from '../../collectors/host'
import { runOfPath, trainingLog } from '../../collectors/training-log'
import type { Kind } from '../../wire/metrics'
import type { RecordOf, WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'
import { FakeHost } from './fake-host'

const LOG = '/job/train.log'
const line = (step: number) => `iter ${step}: loss 2.5000, time 10.00ms, mfu 1.00%\n`

/** A runner in small: gathers batches and keeps the cursor that goes with them. */
class Runner {
  batch = new Batch()
  readonly kept: WireRecord[] = []
  readonly warnings: string[] = []
  cursor: Json | undefined
  private session: Session | undefined

  constructor(
    readonly host: Host,
    readonly settings: Partial<CollectorSettings> = {},
  ) {}

  async tick(): Promise<void> {
    this.session ??= await trainingLog.open({
      host: this.host,
      settings: {
        intervalMs: 1000,
        logs: [LOG],
        scrape: [],
        run: undefined,
        fromStart: true,
        synthetic: false,
        ...this.settings,
      },
      batch: () => this.batch,
      cursor: this.cursor,
      warn: message => this.warnings.push(message),
    })
    if (this.host instanceof FakeHost) this.host.clock += 1
    await this.session.collect()
  }

  /** What the spool does: batch and cursor together. */
  save(): void {
    const cursor = this.session?.cursor?.()
    if (cursor !== undefined) this.cursor = JSON.parse(JSON.stringify(cursor)) as Json
    this.kept.push(...this.batch.records())
    this.batch = new Batch()
  }

  /** The agent is killed: what was not saved is gone. */
  crash(): void {
    this.batch = new Batch()
    this.session = undefined
  }

  async steps(): Promise<(number | undefined)[]> {
    await this.tick()
    this.save()
    return this.kept.flatMap(record => (record.kind === 'step' ? [record.step] : []))
  }

  of<K extends Kind>(kind: K): RecordOf<K>[] {
    return this.kept.filter(record => record.kind === kind) as unknown as RecordOf<K>[]
  }
}

describe('following a log', () => {
  it('makes a run of a plain log, named by its path, and says so once', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write(LOG, line(1) + line(2))
    expect(await runner.steps()).toEqual([1, 2])
    host.append(LOG, line(3))
    expect(await runner.steps()).toEqual([1, 2, 3])
    const run = runOfPath('node-a', LOG)
    expect(runner.of('run')).toMatchObject([{ run, node: 'node-a', name: LOG, state: 'started' }])
    expect(runner.of('step').every(step => step.run === run && step.node === 'node-a')).toBe(true)
    runner.crash()
    await runner.steps()
    expect(runner.of('run')).toHaveLength(1)
  })

  it('says nothing of a file that is no log', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write(LOG, 'shopping: milk\n')
    await runner.steps()
    expect(runner.kept).toEqual([])
  })

  it('gives the records the run of the settings', async () => {
    const host = new FakeHost()
    const runner = new Runner(host, { run: 'mine' })
    host.write(LOG, line(1))
    await runner.steps()
    expect(runner.kept.map(record => [record.kind, 'run' in record && record.run])).toEqual([
      ['step', 'mine'],
      ['line', 'mine'],
    ])
  })

  it('waits for the end of a line', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write(LOG, line(1) + line(2).slice(0, 20))
    expect(await runner.steps()).toEqual([1])
    runner.crash()
    host.append(LOG, line(2).slice(20))
    expect(await runner.steps()).toEqual([1, 2])
  })

  it('follows several files and those that appear later', async () => {
    const host = new FakeHost()
    const runner = new Runner(host, { logs: ['/job/*.log'] })
    host.write('/job/a.log', line(1))
    await runner.steps()
    host.write('/job/b.log', line(7))
    host.append('/job/a.log', line(2))
    expect((await runner.steps()).sort()).toEqual([1, 2, 7])
    expect(runner.of('run').map(run => run.name)).toEqual(['/job/a.log', '/job/b.log'])
  })

  it('begins at the end of a found file, but tells how its job was set up', async () => {
    const host = new FakeHost()
    const runner = new Runner(host, { fromStart: false, logs: ['/job/*.log'] })
    const head = 'tokens per iteration will be: 100\nnumber of parameters: 0.80M\n'
    host.write(LOG, head + line(1) + line(2))
    expect(await runner.steps()).toEqual([])
    expect(runner.of('config')).toHaveLength(1)
    host.append(LOG, line(3))
    host.write('/job/new.log', line(50))
    expect((await runner.steps()).sort()).toEqual([3, 50])
    expect(runner.of('step').find(step => step.step === 3)?.tokens).toBe(100)
  })

  it('reads the rest of a rotated file, then the new one', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write(LOG, line(1))
    await runner.steps()
    host.append(LOG, line(2) + line(3).trimEnd())
    host.rename(LOG, `${LOG}.1`)
    host.write(LOG, line(4))
    await runner.steps()
    expect(await runner.steps()).toEqual([1, 2, 3, 4])
    host.append(LOG, line(5))
    expect(await runner.steps()).toEqual([1, 2, 3, 4, 5])
    expect(runner.warnings).toEqual([])
  })

  it('stays with a rotated file while the new one is empty', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write(LOG, line(1))
    await runner.steps()
    host.rename(LOG, `${LOG}.1`)
    host.write(LOG, '')
    await runner.steps()
    host.append(`${LOG}.1`, line(2))
    expect(await runner.steps()).toEqual([1, 2])
    host.append(LOG, line(3))
    expect(await runner.steps()).toEqual([1, 2, 3])
  })

  it('finds a rotation that happened while it was away', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write(LOG, line(1))
    await runner.steps()
    runner.crash()
    host.append(LOG, line(2))
    host.rename(LOG, `${LOG}.1`)
    host.write(LOG, line(3))
    await runner.steps()
    expect(await runner.steps()).toEqual([1, 2, 3])
  })

  it('begins again, with a warning, when a file became shorter', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write(LOG, line(1) + line(2))
    await runner.steps()
    host.write(LOG, line(9))
    expect(await runner.steps()).toEqual([1, 2, 9])
    expect(runner.warnings).toEqual([`${LOG}: it became shorter; reading it from the beginning`])
  })

  it('knows after a restart that a file was overwritten by a longer one', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write(LOG, line(1))
    await runner.steps()
    runner.crash()
    host.write(LOG, line(5) + line(6) + line(7))
    expect(await runner.steps()).toEqual([1, 5, 6, 7])
    expect(runner.warnings).toHaveLength(1)
  })

  it('survives a file that vanishes and comes back', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write(LOG, line(1))
    await runner.steps()
    host.remove(LOG)
    await runner.steps()
    host.write(LOG, line(2))
    expect(await runner.steps()).toEqual([1, 2])
  })

  it('reads a huge file a piece at a tick', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    const filler = `${'x'.repeat(999)}\n`.repeat(9000)
    host.write(LOG, filler + line(1))
    expect(await runner.steps()).toEqual([])
    expect(await runner.steps()).toEqual([])
    expect(await runner.steps()).toEqual([1])
  })

  it('counts lines read and not read', async () => {
    const host = new FakeHost()
    host.write(LOG, `${line(1)}noise\n${line(2)}`)
    const session = await trainingLog.open({
      host,
      settings: { intervalMs: 1000, logs: [LOG], scrape: [], run: undefined, fromStart: true, synthetic: false },
      batch: () => new Batch(),
      cursor: undefined,
      warn: () => undefined,
    })
    await session.collect()
    expect(session.counts?.()).toEqual({ linesRead: 2, linesUnread: 1 })
  })

  it('gives every record exactly once, whenever it is killed and whatever was saved', async () => {
    const action = fc.oneof(
      { weight: 4, arbitrary: fc.nat(60).map(bytes => ({ do: 'append' as const, bytes })) },
      { weight: 4, arbitrary: fc.constant({ do: 'tick' as const }) },
      { weight: 2, arbitrary: fc.constant({ do: 'save' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'rotate' as const }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async actions => {
        const host = new FakeHost()
        const runner = new Runner(host)
        const whole = Array.from({ length: 60 }, (_, step) => line(step)).join('')
        let written = 0
        host.write(LOG, '')
        for (const next of actions) {
          if (next.do === 'append') {
            host.append(LOG, whole.slice(written, written + next.bytes))
            written = Math.min(whole.length, written + next.bytes)
          } else if (next.do === 'tick') await runner.tick()
          else if (next.do === 'save') runner.save()
          else if (next.do === 'crash') runner.crash()
          // Only where no line is cut: what a rotation cuts in two is lost in any tool.
          else if (whole[written - 1] === '\n') {
            await runner.tick()
            await runner.tick()
            runner.save()
            host.rename(LOG, `${LOG}.1`)
            host.write(LOG, '')
          }
        }
        host.append(LOG, whole.slice(written))
        await runner.tick()
        await runner.tick()
        expect(await runner.steps()).toEqual(Array.from({ length: 60 }, (_, step) => step))
        expect(runner.of('run')).toHaveLength(1)
      }),
      { numRuns: 150 },
    )
  })
})

describe('the processes of ranks', () => {
  const rank = (index: number, pid: number, node = 'node-a') =>
    `${JSON.stringify({ kind: 'rank', run: 'r1', node, time: 1, rank: index, pid, state: 'started' })}\n`
  const stat = (start: number, state = 'S') => `99 (python3 (x)) ${state} ${'0 '.repeat(18)}${start} 0\n`

  it('are said to have ended when they are gone, and then the run', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write('/proc/41/stat', stat(7))
    host.write('/proc/42/stat', stat(8))
    host.write(LOG, rank(0, 41) + rank(1, 42) + rank(2, 43, 'node-b'))
    for (let tick = 0; tick < 3; tick += 1) await runner.steps()
    expect(runner.of('rank').filter(record => record.state === 'ended')).toEqual([])
    host.remove('/proc/41/stat')
    for (let tick = 0; tick < 3; tick += 1) await runner.steps()
    expect(runner.of('rank').filter(record => record.state === 'ended')).toMatchObject([
      { run: 'r1', node: 'node-a', rank: 0, pid: 41 },
    ])
    expect(runner.of('run')).toEqual([])
    runner.crash()
    host.write('/proc/42/stat', stat(8, 'Z'))
    for (let tick = 0; tick < 4; tick += 1) await runner.steps()
    expect(runner.of('rank').filter(record => record.state === 'ended')).toHaveLength(2)
    expect(runner.of('run')).toMatchObject([{ run: 'r1', node: 'node-a', state: 'ended' }])
    expect(runner.of('run')[0]?.exitCode).toBeUndefined()
  })

  it('have not ended before what they wrote last is read', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write('/proc/41/stat', stat(7))
    host.write(LOG, rank(0, 41))
    await runner.steps()
    host.remove('/proc/41/stat')
    expect(await runner.steps()).toEqual([])
    host.append(LOG, line(1))
    expect(runner.of('rank').map(record => record.state)).toEqual(['started'])
    expect(await runner.steps()).toEqual([1])
    expect(runner.of('rank').map(record => record.state)).toEqual(['started', 'ended'])
  })

  it('are told from later processes of the same number', async () => {
    const host = new FakeHost()
    const runner = new Runner(host)
    host.write('/proc/41/stat', stat(7))
    host.write(LOG, rank(0, 41))
    await runner.steps()
    host.write('/proc/41/stat', stat(900))
    for (let tick = 0; tick < 3; tick += 1) await runner.steps()
    expect(runner.of('rank').map(record => record.state)).toEqual(['started', 'ended'])
  })

  it('say nothing of the run that a launcher watches', async () => {
    const host = new FakeHost()
    const runner = new Runner(host, { run: 'r1' })
    host.write(LOG, rank(0, 41))
    for (let tick = 0; tick < 3; tick += 1) await runner.steps()
    expect(runner.of('rank').map(record => record.state)).toEqual(['started', 'ended'])
    expect(runner.of('run')).toEqual([])
  })

  it('are left alone where processes of others are hidden', async () => {
    const host = new FakeHost()
    host.remove('/proc/1/stat')
    const runner = new Runner(host)
    host.write(LOG, rank(0, 41))
    for (let tick = 0; tick < 3; tick += 1) await runner.steps()
    expect(runner.of('rank').map(record => record.state)).toEqual(['started'])
  })
})

describe('on this machine', () => {
  let folder = ''
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('real files are followed over growth, rotation and truncation', async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-follow-'))
    const path = join(folder, 'train.log')
    const runner = new Runner(localHost(), { logs: [join(folder, '*.log')] })
    await writeFile(path, line(1) + line(2))
    expect(await runner.steps()).toEqual([1, 2])
    await appendFile(path, line(3))
    expect(await runner.steps()).toEqual([1, 2, 3])
    await appendFile(path, line(4))
    await rename(path, `${path}.1`)
    await writeFile(path, line(5))
    await runner.steps()
    expect(await runner.steps()).toEqual([1, 2, 3, 4, 5])
    await truncate(path, 0)
    await runner.steps()
    await appendFile(path, line(6))
    expect(await runner.steps()).toEqual([1, 2, 3, 4, 5, 6])
    expect(runner.warnings).toHaveLength(1)
  })
})

describe('detecting training logs', () => {
  it('asks for names where there are none', async () => {
    const settings = { intervalMs: 1, logs: [], scrape: [], run: undefined, fromStart: true, synthetic: false }
    expect(await trainingLog.detect(new FakeHost(), settings)).toMatchObject({ available: false })
    expect(await trainingLog.detect(new FakeHost(), { ...settings, logs: [LOG] })).toMatchObject({ available: true })
  })
})
