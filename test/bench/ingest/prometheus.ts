/** Prometheus (Debian's package) scraping the fleet's pages once a second: what it holds and what it costs. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../../base/clock'
import { freePort } from '../../plumbline'
import { folderBytes, processorSeconds, residentBytes } from './process-cost'
import { startFleet } from './processes'
import type { Measured } from './report'

const targets = (nodes: number, port: number) => `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: fleet
    static_configs:
${Array.from({ length: nodes }, (_, node) => `      - { targets: ['127.0.0.1:${port}'], labels: { __metrics_path__: '/n/${node}' } }`).join('\n')}
`

async function appended(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^prometheus_tsdb_head_samples_appended_total(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1] ?? NaN)
}

/** Undefined where it is not installed. */
export async function measurePrometheus(folder: string, nodes: number, warmUp: number, seconds: number) {
  if (spawnSync('prometheus', ['--version']).status !== 0) return undefined
  const fleet = await startFleet(nodes)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const data = join(folder, 'prometheus')
  mkdirSync(data, { recursive: true })
  writeFileSync(join(folder, 'prometheus.yml'), targets(nodes, fleet.report().port ?? 0))
  const child = spawn(
    'prometheus',
    [
      ...[`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${data}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--log.level=error'],
    ],
    { stdio: 'ignore' },
  )
  const pid = child.pid ?? 0
  try {
    await sleep(warmUp * 1000)
    const before = { at: performance.now(), cpu: processorSeconds(pid), samples: await appended(url) }
    let resident = 0
    for (let second = 0; second < seconds; second += 1) {
      await sleep(1000)
      resident = Math.max(resident, residentBytes(pid))
    }
    const took = (performance.now() - before.at) / 1000
    const samples = (await appended(url)) - before.samples
    const measured: Measured = {
      rate: samples / took,
      processorSeconds: processorSeconds(pid) - before.cpu,
      samples,
      resident,
      diskBytesPerSample: folderBytes(data) / (await appended(url)),
    }
    return measured
  } finally {
    child.kill('SIGKILL')
    fleet.child.kill('SIGKILL')
  }
}
