/** Real jobs that run out of the host's memory, and what their post-mortems say. */
import { accessSync, constants, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../wire/findings'
import type { RunEvent, RunSummary } from '../../wire/api'
import type { PostMortem } from '../../wire/post-mortem'
import { eventually, freePort, plumbline, ROOT, startHubProcess, type Running } from '../plumbline'
import { hasTorch, PYTHON, pythonPath } from './torch'

/** KiB of address space: what torch itself takes, and some 600 MiB beside it. */
const LIMIT = 3_200_000

const job = (body: string) => `
import time, torch, plumbline_hook
torch.set_num_threads(1)
model = torch.nn.Linear(256, 256)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
hook = plumbline_hook.attach(model, optimizer)
kept = []
for step in range(400):
${body}
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    time.sleep(0.02)
`
/** Losses are kept with their graph, and so is what it holds: slowly enough to be foreseen. */
const LEAK = job(`
    time.sleep(0.15)
    x = torch.randn(7_000, 256)
    y = model(x)
    kept.append(y)
    loss = y.pow(2).mean()
`)
/** Sequences of one length, and then one that is far longer. */
const LONGER = job(`
    x = torch.randn(2_000 if step < 40 else 4_000_000, 256)
    loss = model(x).pow(2).mean()
`)

/** A memory cgroup of this test's own (v1, or v2 where the controller is given on); undefined where none can be made. */
const CGROUPS = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
  { root: '/sys/fs/cgroup', limit: 'memory.max' },
]
function makeGroup(bytes: number): string | undefined {
  for (const { root, limit } of CGROUPS) {
    const path = join(root, `plumbline-test-${process.pid}`)
    try {
      mkdirSync(path)
      accessSync(join(path, limit), constants.W_OK)
      writeFileSync(join(path, limit), String(bytes))
      return path
    } catch {
      rmSync(path, { recursive: true, force: true })
    }
  }
  return undefined
}
const GROUP_BYTES = 1_100_000_000
const group = hasTorch ? makeGroup(GROUP_BYTES) : undefined
if (hasTorch && group === undefined)
  console.warn('SKIPPED: no memory cgroup can be made here (not root, or not mounted)')

let folder: string
let url: string
let hub: Running
let port: number

const get = async <T>(path: string) => (await (await fetch(`${url}${path}`)).json()) as T

/** Runs a shell's command under `plumbline run`; gives its exit code. */
async function watched(name: string, command: string): Promise<number | null> {
  const environment = { PLUMBLINE_PORT: String(port), PLUMBLINE_DATA: join(folder, 'data') }
  const run = plumbline(['run', '--name', name, '--', 'bash', '-c', command], {
    ...environment,
    PYTHONPATH: pythonPath,
  })
  return (await run.ended).code
}

async function postMortemOf(name: string, script: string): Promise<PostMortem> {
  const path = join(folder, `${name}.py`)
  writeFileSync(path, script)
  return postMortemOfCommand(name, `ulimit -v ${LIMIT}; exec ${PYTHON} ${path}`)
}

async function postMortemOfCommand(name: string, command: string): Promise<PostMortem> {
  expect(await watched(name, command)).not.toBe(0)
  const summary = await eventually(`run ${name}`, async () => {
    const found = (await get<RunSummary[]>('/api/runs')).find(one => one.name === name)
    return found?.state === 'failed' ? found : undefined
  })
  return get<PostMortem>(`/api/runs/${summary.run}/post-mortem`)
}

describe.skipIf(!hasTorch)('a real job that runs out of memory', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plumbline-oom-'))
    port = await freePort()
    url = `http://127.0.0.1:${port}`
    hub = await startHubProcess(port, join(folder, 'data'), ['--no-page'])
  })
  afterAll(async () => {
    await hub.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
    if (group !== undefined) rmdirSync(group)
  })

  it('by a leak: names it, with its rate, and what to do', async () => {
    const found = await postMortemOf('leak', LEAK)
    expect(found).toMatchObject({ memory: 'host', event: { requestedBytes: expect.any(Number) as number } })
    expect(found.causes[0]).toMatchObject({ name: 'leak' })
    // Three times 7,000 × 256 floats: without Plumbline the process grows by 21 MiB a step as well.
    const rate = /rose by ([\d.]+) MiB a step/.exec(found.causes[0]?.evidence ?? '')?.[1]
    expect(Number(rate), found.causes[0]?.evidence).toBeGreaterThan(17)
    expect(Number(rate)).toBeLessThan(24)
    expect(found.remedies[0]?.name).toBe('leak')
    // While it ran it was told that the host would not suffice.
    const foreseen = await eventually('the forecast', async () => {
      const findings = await get<Finding[]>(`/api/runs/${found.run}/findings`)
      return findings.find(({ detector }) => detector === 'memory-forecast')
    })
    expect(foreseen.title).toMatch(/^The memory that the job may have on .* will be full in about /)
  })

  it('by a step that is larger than any before: tells it from a leak', async () => {
    const found = await postMortemOf('longer', LONGER)
    expect(found.causes[0]).toMatchObject({ name: 'larger-step' })
    expect(found.event.requestedBytes).toBeGreaterThan(3e9)
    expect(found.event.step).toBe(39)
  })

  const JOB = `${PYTHON} ${join(ROOT, 'test/real/out-of-memory/job.py')} --steps 2`

  it.skipIf(group === undefined)(
    'by the limit of its cgroup: names it with its figures; what is put first does fit',
    async () => {
      const inGroup = (words: string) => `echo $$ > ${group}/cgroup.procs; exec ${JOB} ${words}`
      const found = await postMortemOfCommand('cgroup', inGroup('--micro-batch 16'))
      expect(found).toMatchObject({ memory: 'host', event: { rank: 0 } })
      expect(found.causes.map(({ name }) => name)).toEqual(['too-large', 'host-limit'])
      // Pages: the kernel rounds a limit down to them.
      expect(found.event.capacityBytes).toBeGreaterThan(GROUP_BYTES - 4096 - 1)
      expect(found.event.processBytes).toBeGreaterThan(0.8 * GROUP_BYTES)
      expect(found.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(found.event.capacityBytes ?? NaN, -1)
      expect(found.remedies[0]).toMatchObject({ name: 'micro-batch', fits: true })
      const events = await get<RunEvent[]>(`/api/runs/${found.run}/events`)
      expect(events.map(({ type }) => type)).toContain('host-oom')
      expect(await watched('cgroup-again', inGroup('--micro-batch 8 --accumulate 2'))).toBe(0)
    },
  )

  it('by ulimit at its first step: names the limit; what is put first does fit', async () => {
    const limited = (words: string) => `ulimit -v 1900000; exec ${JOB} ${words}`
    const found = await postMortemOfCommand('too-large', limited('--micro-batch 16'))
    expect(found.causes.map(({ name }) => name)).toContain('host-limit')
    expect(found.event.capacityBytes).toBe(1_900_000 * 1024)
    expect(found.remedies[0]?.name).toBe('micro-batch')
    expect(await watched('too-large-again', limited('--micro-batch 8 --accumulate 2'))).toBe(0)
  })
})
