import { describe, expect, it } from 'vitest'
import { lldp } from '../../collectors/lldp'
import { cablesOfDocument, cablesOfFrames } from '../../collectors/topology/lldp'
import { Batch } from '../../wire/table'
import { FakeHost } from './fake-host'

const tlv = (type: number, value: Buffer | string) => {
  const bytes = Buffer.from(value as string)
  const head = Buffer.alloc(2)
  head.writeUInt16BE((type << 9) | bytes.length)
  return Buffer.concat([head, bytes])
}
const MAC = Buffer.from('443839000012', 'hex')
/** A frame as networkd keeps it: its length in eight bytes, an Ethernet header, the TLVs. */
function saved(...tlvs: Buffer[]): Buffer {
  const frame = Buffer.concat([Buffer.from('0180c200000e44383900001288cc', 'hex'), ...tlvs, tlv(0, '')])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(frame.length))
  return Buffer.concat([length, frame])
}
const chassis = tlv(1, Buffer.concat([Buffer.from([4]), MAC]))
const portByName = tlv(2, Buffer.concat([Buffer.from([5]), Buffer.from('swp7')]))
const portByMac = tlv(2, Buffer.concat([Buffer.from([3]), MAC]))
const capabilities = (enabled: number) => tlv(7, Buffer.from([0, 0x94, 0, enabled]))

describe('saved LLDP frames', () => {
  it('name the switch and its port', () => {
    const frame = saved(chassis, portByName, tlv(3, '\0x'), tlv(5, 'leaf-4'), capabilities(0x14))
    expect(cablesOfFrames('eth1', frame)).toEqual([
      { kind: 'topology', device: 'eth1', switch: 'leaf-4', switchPort: 'swp7', tier: 'leaf', source: 'lldp' },
    ])
  })

  it('fall back to addresses and descriptions, and leave out hosts', () => {
    const described = saved(chassis, portByMac, tlv(4, 'Ethernet9'))
    const host = saved(chassis, portByMac, tlv(5, 'server-2'), capabilities(0x80))
    expect(cablesOfFrames('eth1', Buffer.concat([described, host]))).toMatchObject([
      { switch: '44:38:39:00:00:12', switchPort: 'Ethernet9' },
    ])
  })

  it('that are cut or broken give what came before', () => {
    const frame = saved(chassis, portByName, tlv(5, 'leaf-4'))
    for (let end = 0; end <= frame.length; end += 1)
      expect(cablesOfFrames('eth1', frame.subarray(0, end)).length).toBe(end === frame.length ? 1 : 0)
    expect(cablesOfFrames('eth1', Buffer.alloc(64, 0xff))).toEqual([])
  })
})

describe('LLDP in JSON', () => {
  it('of one neighbour that is a host is left out', () => {
    const chassis = { vm: { id: { type: 'mac', value: 'x' }, capability: [{ type: 'Station', enabled: true }] } }
    expect(cablesOfDocument({ lldp: { interface: { eth0: { via: 'LLDP', chassis, port: {} } } } })).toEqual([])
  })

  it.each([null, [], 'x', { lldp: null }, { lldp: [[], 1] }, { Neighbors: [{ Neighbors: [null] }] }])(
    '%j gives nothing',
    value => expect(cablesOfDocument(value)).toEqual([]),
  )
})

describe('the collector of neighbours', () => {
  it('reads networkd’s frames where no tool is installed, and tells them once', async () => {
    const host = new FakeHost()
    host.write('/run/systemd/netif/lldp/7', saved(chassis, portByName, tlv(5, 'leaf-4')))
    host.write('/sys/class/net/ens9/ifindex', '7\n')
    expect(await lldp.detect(host)).toEqual({
      available: true,
      detail: 'systemd-networkd: ens9 at leaf-4',
    })
    const batch = new Batch()
    const settings = { intervalMs: 1000, logs: [], scrape: [], run: undefined, fromStart: false, synthetic: false }
    const session = await lldp.open({ host, settings, batch: () => batch, cursor: undefined, warn: () => undefined })
    await session.collect()
    await session.collect()
    expect(batch.records()).toMatchObject([{ kind: 'topology', node: 'node-a', device: 'ens9', switch: 'leaf-4' }])
  })
})
