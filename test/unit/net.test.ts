import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultRouteNames, parseNetDev } from '../../collectors/kernel/ethernet'
import { readCounter, readRate, readState } from '../../collectors/kernel/infiniband'
import type { Json } from '../../collectors/collector'
import { LinkChanges } from '../../collectors/kernel/link-changes'
import { net } from '../../collectors/net'
import { asRecord, type RecordOf } from '../../wire/records'
import { Batch } from '../../wire/table'
import { FakeHost } from './fake-host'

const captures = join(import.meta.dirname, '../../../shared/captures')
const there = existsSync(captures)
if (!there) console.warn('captures of real nodes are not beside this checkout: their tests are skipped')
const settings = { intervalMs: 1000, logs: [], scrape: [], run: undefined, fromStart: false, synthetic: false }
const HEAD =
  'Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed\n'
const device = (name: string, receive: number, transmit: number, dropped = 0) =>
  `${name.padStart(6)}: ${receive} 10 1 ${dropped} 0 0 0 0 ${transmit} 20 0 0 0 0 2 0\n`

async function collectOnce(host: FakeHost): Promise<RecordOf<'link'>[]> {
  const batch = new Batch()
  const session = await net.open({ host, settings, batch: () => batch, cursor: undefined, warn: () => undefined })
  await session.collect()
  await session.close()
  for (const record of batch.records()) expect(asRecord(record)).toEqual(record)
  return batch.records().filter((record): record is RecordOf<'link'> => record.kind === 'link')
}

/** A folder as the text archive `ttar` holds it. */
function unpack(host: FakeHost, text: string, root: string): void {
  for (const [, path = '', count = '0', rest = ''] of text.matchAll(
    /^Path: (.+)\nLines: (\d+)\n((?:(?!# ttar).*\n)*?)Mode: /gm,
  )) {
    host.write(
      `${root}/${path.replace(/^.*class\/infiniband\//, '')}`,
      rest.split('\n').slice(0, Number(count)).join('\n'),
    )
  }
}

describe('network interfaces', () => {
  it('are those with a device behind them and those with a default route', async () => {
    const host = new FakeHost()
    host.write(
      '/proc/net/dev',
      HEAD + device('lo', 1, 1) + device('eth0', 5000, 6000, 3) + device('docker0', 1, 1) + device('veth1', 7, 8),
    )
    host.write('/sys/class/net/eth0/device/vendor', '0x15b3')
    host.write('/sys/class/net/eth0/speed', '100000\n')
    host.write('/sys/class/net/eth0/operstate', 'up\n')
    host.write('/sys/class/net/veth1/speed', '-1\n')
    host.write(
      '/proc/net/route',
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\nveth1\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n',
    )
    const records = await collectOnce(host)
    expect(records.map(record => record.device)).toEqual(['eth0', 'veth1'])
    expect(records[0]).toMatchObject({
      receiveBytes: 5000,
      transmitBytes: 6000,
      rateBitsPerSecond: 1e11,
      state: 'up',
      node: 'node-a',
    })
    expect(records[0]?.errors).toMatchObject({
      receiveErrors: 1,
      receiveDropped: 3,
      transmitCarrier: 2,
      transmitErrors: 0,
    })
    expect(records[1]).not.toHaveProperty('rateBitsPerSecond')
    expect(records[1]).not.toHaveProperty('state')
    expect(await net.detect(host)).toEqual({ available: true, detail: 'eth0, veth1' })
  })

  it('are read from whole lines only', () => {
    expect(
      parseNetDev(`${HEAD}eth0: 1 2 3\nnonsense\n  eth1:9999999999 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0\n`),
    ).toMatchObject([{ name: 'eth1', receiveBytes: 9999999999, transmitBytes: 8 }])
  })

  it('with a default route of IPv6 alone are found', () => {
    const zero = '0'.repeat(32)
    const route = `${zero} 00 ${zero} 00 fe80${'0'.repeat(28)} 00000400 00000002 00000000 00000003     eth7\n${zero} 00 ${zero} 00 ${zero} ffffffff 1 0 00200200       lo\n`
    expect([...defaultRouteNames('', route)]).toEqual(['eth7'])
  })

  it.skipIf(!there)('of a real table are all read', () => {
    const counters = parseNetDev(readFileSync(join(captures, 'proc-net-dev/procfs-fixture.txt'), 'utf8'))
    expect(counters.map(({ name }) => name)).toEqual(['vethf345468', 'lo', 'docker0', 'eth0'])
    expect(counters[3]).toMatchObject({ receiveBytes: 874354587, transmitBytes: 563352563 })
  })
})

describe('changes of a link', () => {
  const up = (rate: number) => ({ state: 'up', rateBitsPerSecond: rate })
  const down = { state: 'down', rateBitsPerSecond: 1e10 }

  it('are told once: up, down, and a link that came back slower', () => {
    const changes = new LinkChanges(undefined)
    const note = (now: Parameters<typeof changes.note>[1]) => changes.note('mlx5_0/1', now).map(({ type }) => type)
    expect([up(4e11), up(4e11), down, down, up(2e11), up(2e11), up(4e11)].map(note)).toEqual([
      ...[[], [], ['link-down'], [], ['link-up', 'link-slower'], [], ['link-faster']],
    ])
  })

  it('are seen over a restart, and say from what to what', () => {
    const before = new LinkChanges(undefined)
    before.note('eth0', up(4e11))
    const cursor = JSON.parse(JSON.stringify(before.cursor())) as Json
    const [event] = new LinkChanges(cursor).note('eth0', up(2e11))
    expect(event).toMatchObject({ type: 'link-slower', device: 'eth0' })
    expect(event?.message).toBe('eth0 ran at 400 Gbit/s and runs at 200 Gbit/s now')
    for (const bad of [null, 3, 'x', [1], { eth0: 7 }, { eth0: { state: 4 } }])
      expect(new LinkChanges(bad).note('eth0', up(1))).toEqual([])
  })

  it('of a node come with its name, beside the card’s own statistics', async () => {
    const host = new FakeHost()
    host.run = (command?: string, args?: readonly string[]) =>
      Promise.resolve({
        code: 0,
        stdout: `NIC statistics:\n rx_crc_errors_phy: 8\n`,
        stderr: `${command} ${args?.join(' ')}`,
      })
    host.write('/proc/net/dev', HEAD + device('eth0', 1, 2))
    host.write('/sys/class/net/eth0/device/vendor', '0x15b3')
    host.write('/sys/class/net/eth0/operstate', 'up\n')
    host.write('/sys/class/net/eth0/speed', '400000\n')
    const batch = new Batch()
    const session = await net.open({ host, settings, batch: () => batch, cursor: undefined, warn: () => undefined })
    await session.collect()
    await new Promise(resolve => setImmediate(resolve))
    host.clock += 20
    host.write('/sys/class/net/eth0/speed', '200000\n')
    await session.collect()
    const records = batch.records()
    const links = records.filter((record): record is RecordOf<'link'> => record.kind === 'link')
    expect(links.map(({ errors }) => errors?.['crcErrors'])).toEqual([undefined, 8])
    expect(records.find(({ kind }) => kind === 'event')).toMatchObject({ type: 'link-slower', node: 'node-a' })
  })
})

describe('InfiniBand ports', () => {
  it('count words of four bytes, and leave out what the port does not say', async () => {
    const host = new FakeHost()
    const port = '/sys/class/infiniband/mlx5_0/ports/1'
    host.write('/proc/net/dev', HEAD)
    host.write(`${port}/counters/port_rcv_data`, '1000\n')
    host.write(`${port}/counters/port_xmit_data`, 'N/A (no PMA)\n')
    host.write(`${port}/counters/symbol_error`, '7\n')
    host.write(`${port}/counters/link_downed`, 'N/A (no PMA)\n')
    host.write(`${port}/counters/port_rcv_packets`, '5\n')
    host.write(`${port}/hw_counters/out_of_sequence`, '2\n')
    host.write(`${port}/rate`, '400 Gb/sec (4X NDR)\n')
    host.write(`${port}/state`, '4: ACTIVE\n')
    expect(await collectOnce(host)).toEqual([
      {
        kind: 'link',
        time: 1_800_000_000,
        node: 'node-a',
        device: 'mlx5_0',
        port: '1',
        receiveBytes: 4000,
        rateBitsPerSecond: 4e11,
        state: 'up',
        errors: { symbolError: 7, outOfSequence: 2 },
      },
    ])
  })

  it('say what they cannot tell', () => {
    expect([readCounter(undefined), readCounter('-1'), readCounter(''), readCounter('12\n')]).toEqual([
      undefined,
      undefined,
      undefined,
      12,
    ])
    expect([readRate('2.5 Gb/sec (1X SDR)'), readRate('fast')]).toEqual([2.5e9, undefined])
    expect([readState('1: DOWN'), readState('2: INIT'), readState('')]).toEqual(['down', 'init', undefined])
  })

  it.skipIf(!there).each([
    ['h100-mlx5-x8.ttar', 8],
    ['procfs-class-infiniband.ttar', 3],
  ])('of the real node %s are read', async (name, least) => {
    const host = new FakeHost()
    host.write('/proc/net/dev', HEAD)
    const text = readFileSync(join(captures, 'sysfs-infiniband', name), 'utf8')
    unpack(host, text, '/sys/class/infiniband')
    const records = await collectOnce(host)
    expect(records.length).toBeGreaterThanOrEqual(least)
    for (const { device = '', port = '', receiveBytes } of records) {
      const words = new RegExp(`${device}/ports/${port}/counters/port_rcv_data\\nLines: 1\\n(\\d+)`).exec(text)?.[1]
      expect(receiveBytes).toBe(words === undefined ? undefined : Number(words) * 4)
    }
  })
})
