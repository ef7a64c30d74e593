/** A device that fills, in a hub that runs: it is told, at a webhook too, while it can still be avoided; a sawtooth is not. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { findingSchema, type Finding } from '../../wire/findings'
import type { WireRecord } from '../../wire/records'
import { startRecords, stepRecords, TestAgent } from '../e2e/page-agent'
import { eventually, freePort, startHubProcess, type Running } from '../plumbline'

const GIB = 1024 ** 3
const STEPS = 60
const RANKS = 2

let folder: string
let url: string
let hub: Running

/** What the webhook was told, as it came. */
const told: string[] = []
const webhook = createServer((request, response) => {
  request.setEncoding('utf8').on('data', text => told.push(String(text)))
  request.on('end', () => response.end())
})

beforeAll(async () => {
  await new Promise<void>(done => webhook.listen(0, '127.0.0.1', done))
  const { port: toldAt } = webhook.address() as AddressInfo
  folder = mkdtempSync(join(tmpdir(), 'plumbline-forecast-'))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  hub = await startHubProcess(port, join(folder, 'hub'), [...['--no-page', '--notify', `http://127.0.0.1:${toldAt}/`]])
}, 120_000)
afterAll(async () => {
  await hub.kill('SIGKILL')
  webhook.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A job of two ranks on devices of 80 GiB, whose peaks are as given; its last step was just now. */
function recordsOf(run: string, peakOf: (step: number, rank: number) => number): WireRecord[] {
  const began = Date.now() / 1000 - STEPS
  const devices = Array.from({ length: RANKS }, (_, index): WireRecord => ({
    kind: 'gpu',
    time: began + STEPS - 1,
    node: run,
    index,
    uuid: `GPU-${run}-${index}`,
    memoryTotalBytes: 80 * GIB,
    memoryUsedBytes: 60 * GIB,
  }))
  const start = startRecords(run, run, RANKS, began).map(record =>
    record.kind === 'rank'
      ? { ...record, device: 'cuda', gpuIndex: record.rank, gpuUuid: `GPU-${run}-${record.rank}` }
      : record,
  )
  const steps = Array.from({ length: STEPS }, (_, step) =>
    stepRecords(run, run, RANKS, step + 1, began + step).map(record =>
      record.kind === 'step' ? { ...record, stepSeconds: 1, memoryPeakBytes: peakOf(step, record.rank ?? 0) } : record,
    ),
  )
  return [...start, ...devices, ...steps.flat()]
}

/**
 * The same of a job on processors whose cgroup is smaller than its node: each process grows by 32 MiB a step. The last rank's
 * has just ended, which nobody has said of the run yet.
 */
function limitedRecords(run: string): WireRecord[] {
  const limit = { name: 'memory.max of /slurm/job_7', bytes: 16 * GIB, usedBytes: 10 * GIB }
  const hosts = [RANKS, RANKS - 1].map((alive, at): WireRecord => ({
    kind: 'host',
    time: Date.now() / 1000 - 11 + 10 * at,
    node: run,
    memoryTotalBytes: 512 * GIB,
    memoryUsedBytes: 60 * GIB,
    processes: Array.from({ length: alive }, (_, rank) => ({ pid: 100 + rank, memoryUsedBytes: 5 * GIB, limit })),
  }))
  const records = recordsOf(run, () => NaN).flatMap((record): WireRecord[] => {
    if (record.kind === 'gpu') return []
    if (record.kind === 'rank') return [{ ...record, pid: 100 + (record.rank ?? 0) }]
    if (record.kind !== 'step') return [record]
    return [{ ...record, memoryPeakBytes: undefined, residentBytes: (3 + (record.step ?? 0) / 32) * GIB }]
  })
  return [...records, ...hosts]
}

const findingsOf = async (run: string): Promise<Finding[] | undefined> => {
  const answer = await fetch(`${url}/api/runs/${run}/findings`)
  const looked = Number(answer.headers.get('plumbline-looked-to-step') ?? NaN)
  const found = z.array(findingSchema).parse(await answer.json())
  return looked >= STEPS ? found.filter(({ detector }) => detector === 'memory-forecast') : undefined
}

it('tells of a device that fills, with its rank and how sure it is, and is silent on a sawtooth', async () => {
  for (const [run, peakOf] of [
    ['fills', (step: number, rank: number) => (40 + (rank === 1 ? step / 4 : 0)) * GIB],
    ['sawtooth', (step: number) => (40 + (step % 10) * 3) * GIB],
  ] as const) {
    const agent = await TestAgent.connect(url, run)
    await agent.send(recordsOf(run, peakOf))
    agent.close()
  }
  const [found, ...others] = await eventually('a look at what fills', () => findingsOf('fills'), 120_000)
  expect(others).toEqual([])
  expect(found).toMatchObject({ severity: 'critical', ranks: [1], provenance: 'estimated' })
  expect(found?.title).toMatch(/^The device of rank 1 will be full in about /)
  expect(found?.evidence).toMatch(/rises by 256 MiB a step .* by the trend between /)
  expect(await eventually('a look at the sawtooth', () => findingsOf('sawtooth'), 120_000)).toEqual([])
  const limited = await TestAgent.connect(url, 'limited')
  await limited.send(limitedRecords('limited'))
  limited.close()
  const [full] = await eventually('a look at the cgroup', () => findingsOf('limited'), 120_000)
  expect(full?.ranks).toEqual([0, 1])
  expect(full?.title).toMatch(/^The memory that the job may have on limited will be full in about /)
  await eventually('its webhook', async () => Promise.resolve(told.join('').includes('memory.max of /slurm/job_7')))
  const words = await eventually('the webhook', async () => Promise.resolve(told.join('').includes('be full') && told))
  expect(words.join('')).toContain('"memory-forecast"')
  expect(words.join('')).not.toContain('sawtooth')
}, 300_000)
