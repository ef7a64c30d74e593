/** The Helm chart, rendered by Go's templates and held against Kubernetes' schemas. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { ROOT } from '../plumbline'
import { checkedManifests, type Manifest } from './manifests'

const GO_LIBRARIES = '/usr/share/gocode'
const hasGo =
  spawnSync('go', ['version']).status === 0 && existsSync(join(GO_LIBRARIES, 'src/github.com/Masterminds/sprig'))
if (!hasGo) console.warn('SKIPPED: the chart is not rendered: npm run setup:deploy installs what renders it')

let folder = ''
let renderer = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-chart-'))
  if (!hasGo) return
  renderer = join(folder, 'render')
  const environment = { ...process.env, GO111MODULE: 'off', GOPATH: GO_LIBRARIES, GOCACHE: join(folder, 'cache') }
  const source = join(ROOT, 'test/deploy/render-chart.go')
  const built = spawnSync('go', ['build', '-o', renderer, source], { env: environment, encoding: 'utf8' })
  if (built.status !== 0) throw new Error(built.stderr)
}, 240_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function render(values: object) {
  const file = join(folder, 'values.yaml')
  writeFileSync(file, stringify(values))
  const chart = join(ROOT, 'deploy/helm/plumbline')
  const { status, stdout, stderr } = spawnSync(renderer, [chart, 'pl', file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return { text: stdout, manifests: checkedManifests(stdout) }
}

const CASES: readonly object[] = [
  {},
  { token: 's "quoted"' },
  { existingSecret: 'mine', hub: { store: 'http://clickhouse:8123', storage: { className: 'fast' } } },
  {
    hub: { enabled: false },
    agent: { hub: 'https://hub.example', metricsPort: 9877, scrape: ['http://127.0.0.1:9400/metrics'] },
  },
]
const hasHelm = spawnSync('helm', ['version']).status === 0
const helm = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('helm', args, { encoding: 'utf8' })
  expect(status, `${stdout}${stderr}`).toBe(0)
  return stdout
}
/** By kind; a token that was made is another in each rendering. */
const alike = (manifests: readonly Manifest[]) =>
  [...manifests]
    .sort((one, other) => one.kind.localeCompare(other.kind))
    .map(one => JSON.stringify(one).replace(/"token":"\w{32}"/, '"token":"made"'))

describe.skipIf(!hasHelm)('Helm', () => {
  it.each(CASES)('finds nothing amiss with the chart and the values %j', values => {
    const file = join(folder, 'helm.yaml')
    writeFileSync(file, stringify(values))
    const chart = join(ROOT, 'deploy/helm/plumbline')
    helm('lint', '--strict', chart, '--values', file)
    const manifests = alike(checkedManifests(helm('template', 'pl', chart, '--values', file)))
    if (hasGo) expect(manifests).toEqual(alike(render(values).manifests))
  })
})

describe.skipIf(!hasGo)('the chart', () => {
  it('gives a hub and agents that report to it', () => {
    const { text, manifests } = render({})
    expect(manifests.map(({ kind }) => kind)).toEqual(['DaemonSet', 'Service', 'StatefulSet', 'Secret'])
    expect(text).toContain('"http://pl-hub:3000"')
    // A hub off the loopback does not start without one.
    expect(text).toMatch(/^ {2}token: "\w{32}"$/m)
    expect(text.match(/secretKeyRef: { name: pl-token, key: token }/g)).toHaveLength(2)
  })

  it('keeps a token in a secret, or uses one that is there', () => {
    expect(render({ token: 's "quoted"' }).text).toContain(String.raw`token: "s \"quoted\""`)
    const { text, manifests } = render({ existingSecret: 'mine' })
    expect(manifests.map(({ kind }) => kind)).not.toContain('Secret')
    expect(text.match(/secretKeyRef: { name: mine, key: token }/g)).toHaveLength(2)
  })

  it('gives agents alone for a hub elsewhere', () => {
    const values = {
      hub: { enabled: false },
      agent: { hub: 'https://hub.example', metricsPort: 9877, scrape: ['http://127.0.0.1:9400/metrics'] },
    }
    const { text, manifests } = render(values)
    expect(manifests.map(({ kind }) => kind)).toEqual(['DaemonSet'])
    expect(text).toContain('"https://hub.example"')
    expect(text).toContain('prometheus.io/port: "9877"')
    expect(text).toContain('PLUMBLINE_SCRAPE, value: "http://127.0.0.1:9400/metrics"')
  })

  it('takes a ClickHouse server and a storage class', () => {
    const { text } = render({ hub: { store: 'http://clickhouse:8123', storage: { className: 'fast' } } })
    expect(text).toContain('PLUMBLINE_STORE, value: "http://clickhouse:8123"')
    expect(text).toContain('storageClassName: fast')
    expect(text).toContain('replicas: 1')
    const several = render({ hub: { store: 'http://clickhouse:8123', redis: 'redis://redis:6379', replicas: 3 } }).text
    expect(several).toContain('PLUMBLINE_REDIS, value: "redis://redis:6379"')
    expect(several).toContain('replicas: 3')
  })

  it('goes by the version of the package', () => {
    const chart = readFileSync(join(ROOT, 'deploy/helm/plumbline/Chart.yaml'), 'utf8')
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    expect(chart).toContain(`appVersion: ${version}\n`)
  })
})
