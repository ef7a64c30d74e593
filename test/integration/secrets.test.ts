/** A job whose command line, output and exporters hold secrets: none of them is at the hub, in whatever it tells. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startAgent, type AgentHandle } from '../../agent/agent'
import { REDACTED } from '../../base/redact'
import { localHost } from '../../collectors/host'
import { startHub, type HubHandle } from '../../hub/hub'
import type { LogLine, RunDetail, RunSummary } from '../../wire/api'
import type { EvidenceInfo } from '../../wire/evidence'
import { eventually, freePort, ROOT } from '../plumbline'

/** Every one has this in it. */
const MARK = 'wJalrXUtnFEMI'
const JOB = [
  `console.log('iter 1: loss 3.1, time 100.00ms, mfu 1.00%, tokens=1024')`,
  `console.log('logging in with api_key=${MARK}1 as me')`,
  `console.log('pulling https://me:${MARK}2@github.com/x/y')`,
  `console.error('RuntimeError: CUDA error: Authorization: Bearer ${MARK}3')`,
  `console.error('torch.cuda.OutOfMemoryError: CUDA out of memory. password=${MARK}4 Tried to allocate 2.00 GiB')`,
  `setTimeout(() => process.exit(1), 1500)`,
].join(';')

let folder: string
let hub: HubHandle
/** Sends what the job's own agent had no time for. */
let after: AgentHandle
const lines: string[] = []
const said = { text: '' }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-secrets-'))
  hub = await startHub({
    ...{ host: '127.0.0.1', port: 0, data: join(folder, 'hub'), store: '', token: '', page: undefined },
    log: line => lines.push(line),
  })
  // Nobody listens there: the failure is told with its address.
  const exporter = `http://me:${MARK}5@127.0.0.1:${await freePort()}/metrics`
  const options = ['--hub', hub.url, '--data', join(folder, 'agent'), '--scrape', exporter, '--remote-write', exporter]
  const command = [process.execPath, '-e', JOB, '--', '--token', `${MARK}6 and more`, `WANDB_API_KEY=${MARK}7`]
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'cli/entry.ts', 'run', '--name', `n --token ${MARK}8`, ...options, '--', ...command],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  child.stderr.on('data', (chunk: Buffer) => (said.text += chunk.toString()))
  child.stdout.resume()
  await new Promise(resolve => child.once('close', resolve))
  after = await startAgent({
    ...{ host: localHost(), hub: hub.url, token: '', data: join(folder, 'agent'), spool: 'agent', spoolBytes: 2 ** 24 },
    collectors: [],
    collectorSettings: {
      ...{ intervalMs: 1000, logs: [], scrape: [], run: undefined, fromStart: false, synthetic: false },
    },
    log: line => lines.push(line),
  })
})
afterAll(async () => {
  await after.stop()
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

const text = async (path: string) => (await fetch(hub.url + path)).text()
const get = async <T>(path: string) => JSON.parse(await text(path)) as T

describe('a secret of a job', () => {
  it('is in nothing that the hub tells of it, and what stood around it is', async () => {
    const [run] = await eventually('the run', async () => {
      const runs = await get<RunSummary[]>('/api/runs')
      return runs.some(({ state }) => state === 'failed') && runs
    })
    if (run === undefined) throw new Error('no run')
    const of = `/api/runs/${run.run}`
    const told = await get<LogLine[]>(`${of}/lines`)
    expect(told.map(line => line.text)).toEqual(
      expect.arrayContaining([
        `logging in with api_key=${REDACTED} as me`,
        `pulling https://me:${REDACTED}@github.com/x/y`,
      ]) as string[],
    )
    const { summary } = await get<RunDetail>(of)
    expect(summary.command).toContain(`-- --token '${REDACTED}' WANDB_API_KEY=${REDACTED}`)
    expect(summary.name).toBe(`n --token ${REDACTED}`)
    const evidence = await eventually('evidence', async () => {
      const found = await get<EvidenceInfo[]>(`${of}/evidence`)
      return found.length > 0 && found.every(({ heldBytes, bytes }) => heldBytes === bytes) && found
    })
    const files = await Promise.all(evidence.map(({ id }) => text(`${of}/evidence/${id}/file`)))
    expect(files.join('')).toContain(`password=${REDACTED}`)
    const pages = [
      '/metrics',
      '/api/runs',
      '/api/nodes',
      of,
      `${of}/events`,
      `${of}/lines`,
      `${of}/head`,
      `${of}/post-mortem.md`,
    ]
    const answers = await Promise.all(pages.map(text))
    for (const [index, answer] of [...answers, ...files, lines.join('\n')].entries())
      expect([pages[index], answer.includes(MARK)]).toEqual([pages[index], false])
  })

  it('is in no file of the hub’s data folder, and in no line of the agent’s own', () => {
    const files = readdirSync(join(folder, 'hub'), { recursive: true }).map(name => join(folder, 'hub', String(name)))
    const bytes = files.filter(path => statSync(path).isFile()).map(path => [path, readFileSync(path).includes(MARK)])
    expect(bytes.length).toBeGreaterThan(10)
    expect(bytes.filter(([, isThere]) => isThere)).toEqual([])
    const own = said.text.split('\n').filter(line => line.startsWith('plumbline:'))
    expect(own.length).toBeGreaterThan(0)
    expect(own.join('\n')).not.toContain(MARK)
  })
})
