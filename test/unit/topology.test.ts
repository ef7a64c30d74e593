import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { CollectorSettings, Json } from '../../collectors/collector'
import { ibnetdiscover } from '../../collectors/forms/ibnetdiscover'
import { topologySlurm } from '../../collectors/forms/topology-slurm'
import { topologyYaml } from '../../collectors/forms/topology-yaml'
import { topology } from '../../collectors/topology'
import { expandHosts } from '../../collectors/topology/hostlist'
import type { RecordOf } from '../../wire/records'
import { Batch } from '../../wire/table'
import { FakeHost } from './fake-host'

const captures = join(import.meta.dirname, '../../../shared/captures/ibnetdiscover')
const there = existsSync(captures)
if (!there) console.warn('captures of fabrics are not beside this checkout: their tests are skipped')

describe('a host list', () => {
  it.each([
    ['node[001-003,070]', ['node001', 'node002', 'node003', 'node070']],
    ['a,b[1-2],c', ['a', 'b1', 'b2', 'c']],
    ['r[1-2]n[08-09]', ['r1n08', 'r1n09', 'r2n08', 'r2n09']],
    ['x[9-11]-ib', ['x9-ib', 'x10-ib', 'x11-ib']],
    ['', []],
  ])('%s', (text, names) => expect(expandHosts(text)).toEqual(names))

  it.each(['n[1', 'n]1', 'n[a-b]', 'n[1-]', 'n[0-999999999]', 'n[1-60000]m[1-60000]', 'two words'])(
    '%s is refused',
    text => expect(expandHosts(text)).toBeUndefined(),
  )
})

describe('a topology', () => {
  it('has tiers by what hangs under a switch, and ends where switches hang in a circle', () => {
    const text =
      'SwitchName=c Switches=s\nSwitchName=s Switches=l\nSwitchName=l Nodes=n1\nSwitchName=x Switches=y\nSwitchName=y Switches=x\n'
    const cables = topologySlurm.parse(text)?.records as RecordOf<'topology'>[]
    const tier = (name: string) => cables.find(cable => cable.switch === name)?.tier
    expect(['l', 's', 'c'].map(tier)).toEqual(['leaf', 'spine', 'core'])
  })

  it('of hostile YAML is none', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[at]}`).join(',')}]`)
      .join('\n')}\nswitches: *i\n`
    expect(topologyYaml.parse(bomb)).toBeUndefined()
    expect(topologyYaml.parse('switches: [[[[\n')).toBeUndefined()
    expect(topologyYaml.parse('switches: {a: 1}\n')).toBeUndefined()
  })
})

describe('the collector of the topology file', () => {
  const settings = (path: string): CollectorSettings => ({
    intervalMs: 1000,
    logs: [],
    scrape: [],
    run: undefined,
    fromStart: false,
    synthetic: false,
    topology: path,
  })
  async function open(host: FakeHost, path: string, cursor?: Json) {
    const batch = new Batch()
    const options = { host, settings: settings(path), batch: () => batch, cursor, warn: () => undefined }
    return { session: await topology.open(options), batch }
  }

  it('tells a file once, also after a restart, and again when it changed', async () => {
    const host = new FakeHost()
    host.write('/etc/topology.conf', 'SwitchName=leaf1 Nodes=n[1-3]\n')
    const { session, batch } = await open(host, '/etc/topology.conf')
    await session.collect()
    await session.collect()
    expect(batch.rows).toBe(3)
    const later = await open(host, '/etc/topology.conf', session.cursor?.())
    await later.session.collect()
    expect(later.batch.rows).toBe(0)
    host.clock += 60
    host.write('/etc/topology.conf', 'SwitchName=leaf1 Nodes=n[1-4]\n')
    await later.session.collect()
    expect(later.batch.rows).toBe(4)
  })

  it('says what is wrong with a file that cannot be used', async () => {
    const host = new FakeHost()
    host.write('/etc/other.conf', 'ClusterName=x\n')
    await expect((await open(host, '/none')).session.collect()).rejects.toThrow('cannot be read')
    await expect((await open(host, '/etc/other.conf')).session.collect()).rejects.toThrow('names no switch')
    expect(await topology.detect(host, settings('/none'))).toMatchObject({ available: true })
  })
})

describe.skipIf(!there)('captured fabrics', () => {
  it('give each cable once, nodes under leaves, no aggregation nodes', () => {
    const read = (name: string) =>
      ibnetdiscover.parse(readFileSync(join(captures, name), 'utf8')) ?? { records: [], linesUnread: -1 }
    expect(read('test.txt').linesUnread).toBe(0)
    expect(read('test.txt').records).toHaveLength(4)
    expect(read('test2.txt').records).toMatchObject([
      { node: 'worker20', device: 'mlx5_3', switch: '5FB0405-leaf-IB01' },
    ])
  })
})
