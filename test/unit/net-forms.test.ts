/** What the network's tools printed, where the collection lies beside the checkout; and counters by their meaning. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { forms } from '../../collectors/forms'
import { driverCounters, parseStatistics } from '../../collectors/kernel/ethtool'
import { asRecord, type WireRecord } from '../../wire/records'

const captures = join(import.meta.dirname, '../../../shared/captures')
const there = existsSync(captures)
if (!there) console.warn('captures of network tools are not beside this checkout: their tests are skipped')
const filesOf = (folder: string) =>
  there ? readdirSync(join(captures, folder)).map(name => [folder, name] as const) : []

async function read(folder: string, name: string): Promise<{ form: string; records: WireRecord[]; unread: number }> {
  const bytes = readFileSync(join(captures, folder, name))
  const owners = [...forms].filter(form => form.claims({ bytes, text: bytes.toString() }))
  expect(owners).toHaveLength(1)
  const records: WireRecord[] = []
  async function* chunks() {
    yield await Promise.resolve(bytes)
  }
  const counts = await owners[0]?.read(chunks(), more => Promise.resolve(void records.push(...more)))
  for (const record of records) expect(asRecord(JSON.parse(JSON.stringify(record)))).toBeDefined()
  return { form: owners[0]?.name ?? '', records, unread: counts?.linesUnread ?? -1 }
}

const FORMS: Readonly<Record<string, RegExp>> = {
  ethtool: /^ethtool-/,
  ibnetdiscover: /^ibnetdiscover$/,
  ibstat: /^ibstat$/,
  ibstatus: /^ibstatus$/,
  ibswinfo: /^ibswinfo$/,
  perfquery: /^perfquery$/,
  'proc-net-dev': /^proc-net-dev$/,
  rdma: /^rdma-statistic$/,
  'sysfs-infiniband': /^sysfs-infiniband$/,
}

describe.skipIf(!there)('captures of network tools', () => {
  it.each(Object.keys(FORMS).flatMap(filesOf))(
    '%s/%s is read to its last line by its own form',
    async (folder, name) => {
      const { form, unread } = await read(folder, name)
      expect(form).toMatch(FORMS[folder] ?? /^$/)
      expect(unread).toBe(0)
    },
  )

  it('give the ports that are down as down, and every rate', async () => {
    const { records } = await read('ibstat', 'h100-some-down-0.txt')
    const text = readFileSync(join(captures, 'ibstat/h100-some-down-0.txt'), 'utf8')
    const down = records.filter(record => record.kind === 'link' && record.state === 'down')
    expect(down).toHaveLength(text.match(/State: Down/g)?.length ?? -1)
    expect(records.every(record => record.kind === 'link' && record.rateBitsPerSecond !== undefined)).toBe(true)
  })

  it('are claimed by no form of another tool', () => {
    const own = new Set([...Object.keys(FORMS)])
    const claimed = readdirSync(captures)
      .filter(folder => !own.has(folder) && !folder.endsWith('.md'))
      .flatMap(folder => filesOf(folder))
      .flatMap(([folder, name]) => {
        const bytes = readFileSync(join(captures, folder, name))
        const head = { bytes, text: bytes.toString() }
        const network = Object.values(FORMS)
        return [...forms]
          .filter(form => network.some(pattern => pattern.test(form.name)) && form.claims(head))
          .map(form => `${folder}/${name}: ${form.name}`)
      })
    expect(claimed).toEqual([])
  })
})

describe('statistics of a card', () => {
  it('have one name for one meaning, whatever the driver', () => {
    const crc = [
      'rx_crc_errors_phy: 5',
      'port.rx_crc_errors: 5',
      'rx_crc_errors.nic: 5',
      'rx_fcs_err_frames: 5',
      'frames_rx_bad_fcs: 5',
    ]
    for (const line of crc) expect(driverCounters(parseStatistics(line).statistics).errors).toEqual({ crcErrors: 5 })
    const pfc = [
      'rx_prio4_pause: 6',
      'rx_pfc_ena_frames_pri4: 6',
      'port.rx_priority_4_xoff: 6',
      'rx_priority_4_xoff.nic: 6',
    ]
    for (const line of pfc) expect(driverCounters(parseStatistics(line).statistics).errors).toEqual({ receivePfc4: 6 })
  })

  it('take the port’s count before the host’s, and add up queues only where there is no total', () => {
    const { statistics } = parseStatistics('rx_bytes: 5\nrx_bytes_phy: 9\nqueue_0_tx_bytes: 2\nqueue_1_tx_bytes: 3\n')
    expect(driverCounters(statistics)).toMatchObject({ receiveBytes: 9, transmitBytes: 5, errors: {} })
  })
})
