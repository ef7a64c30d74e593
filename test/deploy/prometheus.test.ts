/** Debian's Prometheus scrapes an agent and a hub, takes remote writes, and accepts every name. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPrometheus } from '../../agent/prometheus'
import { openRemoteWrite } from '../../agent/remote-write'
import type { Exporter } from '../../agent/series'
import { dashboards } from '../../scripts/dashboards'
import { catalogue, fieldsOf } from '../../wire/metrics'
import { asRecord } from '../../wire/records'
import { Batch } from '../../wire/table'
import { eventually, freePort, plumbline, ROOT, type Running } from '../plumbline'

const hasPrometheus = spawnSync('promtool', ['--version']).status === 0
if (!hasPrometheus) console.warn('SKIPPED: no Prometheus here: npm run setup:deploy installs it')

/** A panel that is empty while all is well. */
const FINDINGS_TITLE = 'Findings'
const KINDS = ['gpu', 'host', 'link', 'collector'] as const
/** A record with every number of its kind. */
function fullBatch(node: string): Batch {
  const batch = new Batch()
  for (const kind of KINDS) {
    const numbers = fieldsOf(kind).filter(([, field]) => field.type === 'number')
    const errors = kind === 'link' ? { errors: { symbolErrors: 5 }, device: 'mlx5_0' } : {}
    const record = asRecord({ kind, node, ...errors, ...Object.fromEntries(numbers.map(([name]) => [name, 3])) })
    if (record !== undefined) batch.add(record)
  }
  return batch
}
const check = (args: readonly string[], input?: string) => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', cwd: ROOT, input })
  expect(status, `${stdout}${stderr}`).toBe(0)
}
const textOf = async (url: string) => (await fetch(url)).text()
/** Names that have a series on the page: a family without one has nothing to be stored. */
const namesOf = (page: string) => [...new Set([...page.matchAll(/^([a-z]\w*)[{ ]/gm)].map(([, name]) => name ?? ''))]

let folder = ''
const ports = { agent: 0, hub: 0, prometheus: 0 }
let exporter: Exporter
let hub: Running
let prometheus: ReturnType<typeof spawn>

beforeAll(async () => {
  if (!hasPrometheus) return
  folder = mkdtempSync(join(tmpdir(), 'plumbline-prometheus-'))
  for (const name of ['agent', 'hub', 'prometheus'] as const) ports[name] = await freePort()
  exporter = await openPrometheus({
    host: '127.0.0.1',
    port: ports.agent,
    spool: () => ({ pending: 1, bytes: 2 }),
    log: () => undefined,
  })
  exporter.observe(fullBatch('scraped'))
  hub = plumbline(['start', '--demo', '--no-agent', '--no-page', '--port', String(ports.hub), '--data', folder])
  const config = readFileSync(join(ROOT, 'deploy/prometheus/prometheus.yml'), 'utf8')
    .replace('15s', '5s')
    .replace('127.0.0.1:3000', `127.0.0.1:${ports.hub}`)
    .replace('127.0.0.1:9877', `127.0.0.1:${ports.agent}`)
    .replace('alerts.yml', join(ROOT, 'deploy/prometheus/alerts.yml'))
  writeFileSync(join(folder, 'prometheus.yml'), config)
  const flags = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${ports.prometheus}`,
    '--web.enable-remote-write-receiver',
  ]
  prometheus = spawn('prometheus', flags, { stdio: 'ignore' })
})
afterAll(async () => {
  if (!hasPrometheus) return
  await exporter.close()
  await hub.kill('SIGTERM')
  const gone = new Promise(resolve => prometheus.once('close', resolve))
  prometheus.kill('SIGTERM')
  await gone
  rmSync(folder, { recursive: true, force: true })
})

const api = (path: string) => `http://127.0.0.1:${ports.prometheus}/api/v1/${path}`
/** Names of series that Prometheus holds, of one scrape job or node. */
async function stored(match: string): Promise<string[]> {
  const query = `label/__name__/values?match[]=${encodeURIComponent(match)}`
  return ((await (await fetch(api(query))).json()) as { data: string[] }).data
}

describe.skipIf(!hasPrometheus)('Prometheus', () => {
  it('finds nothing amiss with the names of the agent', async () => {
    const page = await textOf(`http://127.0.0.1:${ports.agent}/metrics`)
    expect(namesOf(page).length).toBeGreaterThan(40)
    check(['check', 'metrics'], page)
    expect(page).toMatch(/^plumbline_link_errors_total\{.*error="symbolErrors".*\} 5$/m)
    // 3 bit/s in the catalogue's unit are less than a byte.
    expect(page).toMatch(/^plumbline_link_rate_bytes_per_second\{.*\} 0\.375$/m)
  })

  it('finds nothing amiss with the names of the hub, and stores every one', async () => {
    const url = `http://127.0.0.1:${ports.hub}/metrics`
    const page = await eventually(
      'figures of the demo run',
      async () => {
        const text = await textOf(url)
        return /^plumbline_run_step_seconds\{/m.test(text) && text
      },
      60_000,
    )
    check(['check', 'metrics'], page)
    for (const job of ['agent', 'hub'] as const) {
      const shown = namesOf(await textOf(`http://127.0.0.1:${ports[job]}/metrics`))
      await eventually(
        `every name of the ${job}`,
        async () => {
          const names = await stored(`{job="plumbline-${job}"}`)
          return shown.every(name => names.includes(name))
        },
        60_000,
      )
    }
  })

  it('answers every query of the dashboards', async () => {
    for (const [file, text] of dashboards()) {
      const panels = (JSON.parse(text) as { panels: { title: string; targets: { expr: string }[] }[] }).panels
      for (const { title, targets } of panels.filter(({ title }) => title !== FINDINGS_TITLE))
        for (const { expr } of targets) {
          const query = expr.replace('$__rate_interval', '1m').replace(/\$\w+/, '.*')
          await eventually(`an answer to ${query} of ${title} in ${file}`, async () => {
            const answer = await (await fetch(api(`query?query=${encodeURIComponent(query)}`))).json()
            return (answer as { data: { result: unknown[] } }).data.result.length > 0
          })
        }
    }
  })

  it('takes what an agent writes to it', async () => {
    const said: string[] = []
    const writer = openRemoteWrite(api('write'), line => said.push(line))
    writer.observe(fullBatch('written'))
    await writer.close()
    expect(said).toEqual([])
    const names = await stored('{node="written"}')
    const fields = KINDS.flatMap(kind => Object.keys(catalogue[kind]))
    expect(names.length).toBeGreaterThan(30)
    expect(names.length).toBeLessThan(fields.length)
    expect(names).toContain('plumbline_gpu_ecc_uncorrected_errors_total')
  })

  it('says why where a remote write is refused', async () => {
    const said: string[] = []
    const writer = openRemoteWrite(`http://127.0.0.1:${ports.hub}/nowhere`, line => said.push(line))
    writer.observe(fullBatch('lost'))
    await writer.close()
    expect(said.join()).toMatch(/error: remote write to .*404.*\nfix: /)
  })

  it('takes the rules, and they fire on what they are for', () => {
    check(['check', 'config', 'deploy/prometheus/prometheus.yml'])
    check(['test', 'rules', 'deploy/prometheus/alerts.test.yml'])
  })
})
