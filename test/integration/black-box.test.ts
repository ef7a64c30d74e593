/** What is left of a run whose agent, and whose hub, are killed; and a snapshot that is imported. */
import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BlackBoxDigest, EvidenceInfo } from '../../wire/evidence'
import type { ImportResult } from '../../wire/api'
import { decodeFrame } from '../../wire/frame'
import type { WireRecord } from '../../wire/records'
import { BlackBox } from '../../agent/black-box'
import { snapshotSummarySchema } from '../../wire/memory-snapshot'
import { eventually, freePort, plumbline, ROOT, startHubProcess, type Running } from '../plumbline'

const RUN = 'boxed'
let folder: string
let port: number
let running: Running[]
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-box-'))
  port = await freePort()
  running = []
})
afterEach(async () => {
  await Promise.all(running.map(one => one.kill('SIGKILL')))
  rmSync(folder, { recursive: true, force: true })
})

const url = () => `http://127.0.0.1:${port}`
const get = async <T>(path: string) => (await (await fetch(`${url()}${path}`)).json()) as T
async function hub(): Promise<Running> {
  const one = await startHubProcess(port, join(folder, 'hub'), ['--no-page'])
  running.push(one)
  return one
}
function agent(): Running {
  const logs = join(folder, 'logs/*.jsonl')
  const one = plumbline(['agent', '--hub', url(), '--data', join(folder, 'agent'), '--logs', logs, '--from-start'])
  running.push(one)
  return one
}

function write(...records: object[]): void {
  mkdirSync(join(folder, 'logs'), { recursive: true })
  for (const record of records) {
    const line = JSON.stringify({ ...record, run: RUN, node: 'n', rank: 0, time: Date.now() / 1000 })
    appendFileSync(join(folder, 'logs/rank-0.jsonl'), `${line}\n`)
  }
}
const steps = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => ({
    kind: 'step',
    source: 'hook',
    step: from + at,
    stepSeconds: 0.02,
    memoryPeakBytes: 1e9,
  }))

const ready = (count: number) =>
  eventually(
    'evidence',
    async () => {
      const found = await get<EvidenceInfo[]>(`/api/runs/${RUN}/evidence`)
      return found.filter(({ state }) => state === 'ready').length >= count && found
    },
    60_000,
  )
/** Segments of all black boxes. */
const boxes = () => {
  const root = join(folder, 'agent/spool')
  return existsSync(root) ? readdirSync(root, { recursive: true }).filter(name => String(name).endsWith('.box')) : []
}

/** What the box holds by now. */
const boxed = () =>
  [...new BlackBox(join(folder, 'agent/spool/agent/black-box'), Date.now).entries()].flatMap(entry =>
    'frame' in entry ? [...decodeFrame(entry.frame).records()] : [],
  )
const isLastStep = (record: WireRecord) => record.kind === 'step' && record.step === 59
const hasProcesses = (record: WireRecord) => record.kind === 'host' && record.processes !== undefined

describe('the black box of an agent', { timeout: 180_000 }, () => {
  it('that is killed with -9 while no hub is there comes to the next hub, with steps and the end of the log', async () => {
    const first = agent()
    write(...steps(0, 50))
    await eventually('a box', async () => Promise.resolve(boxes().length > 0), 60_000)
    write(...steps(50, 60))
    const isIn = () => boxed().some(isLastStep) && boxed().some(hasProcesses)
    await eventually('the last step in it, and processes', async () => Promise.resolve(isIn()), 60_000)
    await first.kill('SIGKILL')
    await hub()
    agent()
    const [info] = await ready(1)
    expect(info).toMatchObject({ kind: 'black-box', run: RUN })
    const box = await get<BlackBoxDigest>(`/api/runs/${RUN}/evidence/${info?.id}`)
    expect(box).toMatchObject({ reason: 'the agent was killed', steps: 60 })
    expect(box.processes.length).toBeGreaterThan(0)
    expect(box.logs.map(({ text }) => text).join('')).toContain('"step":59')
  })

  it('is sealed when memory runs out, with the snapshot that the hook left, and comes though the hub is killed', async () => {
    const one = await hub()
    agent()
    write(...steps(0, 20))
    await eventually('steps', async () => (await fetch(`${url()}/api/runs/${RUN}`)).ok, 60_000)
    const fixture = join(ROOT, 'test/fixtures/forms/torch-snapshot/out-of-memory.pickle')
    copyFileSync(fixture, join(folder, 'logs/snapshot-rank-0.pickle'))
    write({ kind: 'event', type: 'oom', message: 'torch.OutOfMemoryError: CUDA out of memory.' })
    await one.kill('SIGKILL')
    await new Promise(done => setTimeout(done, 2500))
    await hub()
    const found = await ready(2)
    expect(found.map(({ kind }) => kind).sort()).toEqual(['black-box', 'memory-snapshot'])
    const snapshot = found.find(({ kind }) => kind === 'memory-snapshot')
    expect(snapshot).toMatchObject({ rank: 0, name: 'snapshot-rank-0.pickle' })
    const digest = snapshotSummarySchema.parse(await get(`/api/runs/${RUN}/evidence/${snapshot?.id}`))
    expect(digest.devices[0]).toMatchObject({ device: 0, peakBytes: 60 * 1024 ** 2 })
    const file = await fetch(`${url()}/api/runs/${RUN}/evidence/${snapshot?.id}/file`)
    expect((await file.arrayBuffer()).byteLength).toBe(snapshot?.bytes)
  })
})

describe('plumbline import', { timeout: 180_000 }, () => {
  it('keeps a memory snapshot as evidence of the run that it makes', async () => {
    await hub()
    const fixture = join(ROOT, 'test/fixtures/forms/torch-snapshot/out-of-memory.pickle')
    const named = join(folder, 'snapshot-rank-3.pickle')
    copyFileSync(fixture, named)
    const one = plumbline(['import', named, '--hub', url(), '--data', join(folder, 'agent'), '--json'])
    expect((await one.ended).code, one.output.stderr).toBe(0)
    const { run } = JSON.parse(one.output.stdout.toString()) as ImportResult
    const [info] = await eventually(
      'it',
      async () => {
        const found = await get<EvidenceInfo[]>(`/api/runs/${run}/evidence`)
        return found[0]?.state === 'ready' && found
      },
      60_000,
    )
    expect(info).toMatchObject({ kind: 'memory-snapshot', name: 'snapshot-rank-3.pickle', rank: 3 })
    expect((await fetch(`${url()}/api/runs/${run}/evidence/nothing`)).status).toBe(404)
  })
})
