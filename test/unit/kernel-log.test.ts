import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../collectors/collector'
import type { Child, ChildEvents } from '../../collectors/host'
import { kernelLog } from '../../collectors/kernel-log'
import { adviceForXid } from '../../collectors/kernel/xid'
import { createLogReader } from '../../collectors/logs/read'
import { asRecord, type RecordOf } from '../../wire/records'
import { Batch } from '../../wire/table'
import { FakeHost } from './fake-host'

const captures = join(import.meta.dirname, '../../../shared/captures/dmesg')
const there = existsSync(captures)
if (!there) console.warn('captures of kernel logs are not beside this checkout: their tests are skipped')

function eventsOf(text: string | Buffer): RecordOf<'event'>[] {
  const reader = createLogReader()
  const records = [...reader.push(Buffer.from(text)), ...reader.end()]
  for (const record of records) expect(asRecord(record)).toEqual(record)
  return records.filter((record): record is RecordOf<'event'> => record.kind === 'event')
}

/** A host on which journalctl, dmesg or neither may read the log, and children that say what a test lets them say. */
class LoggingHost extends FakeHost {
  readonly children: { command: string; args: readonly string[]; events: ChildEvents }[] = []
  constructor(private readonly tool: 'journalctl' | 'dmesg' | undefined) {
    super()
    this.write('/proc/sys/kernel/random/boot_id', 'boot-1\n')
  }
  override run(command = '') {
    const ok = command === this.tool
    const refused = 'dmesg: read kernel buffer failed: Operation not permitted'
    return Promise.resolve({ code: ok ? 0 : 1, stdout: ok ? '{"MESSAGE":"x"}' : '', stderr: ok ? '' : refused })
  }
  override spawn(command: string, args: readonly string[], events: ChildEvents): Child {
    this.children.push({ command, args, events })
    return { pid: 1, stop: () => Promise.resolve() }
  }
}

async function open(host: LoggingHost, cursor?: Json) {
  const batch = new Batch()
  const settings = { intervalMs: 1000, logs: [], scrape: [], run: undefined, fromStart: false, synthetic: false }
  const session = await kernelLog.open({ host, settings, batch: () => batch, cursor, warn: () => undefined })
  return { session, records: () => batch.records() as RecordOf<'event'>[] }
}

describe('lines of the kernel log', () => {
  it.each([
    ['mlx5_core 0000:5e:00.0 ens1f0np0: Link down', 'ens1f0np0'],
    ['mlx5_core 0000:5e:00.0: ens1f0np0: Link down', 'ens1f0np0'],
    ['i40e 0000:81:00.1 ens8f1: NIC Link is Down', 'ens8f1'],
    ['ice 0000:31:00.0 enp49s0: NIC Link is Down', 'enp49s0'],
    ['igb 0000:04:00.0 eno1: igb: eno1 NIC Link is Down', 'eno1'],
    ['ionic 0000:81:00.0 enp129s0: Link down', 'enp129s0'],
    ['eth2: link down', 'eth2'],
  ])('%s is a lost link', (text, device) => {
    expect(eventsOf(`[   12.345678] ${text}\n`)).toMatchObject([{ type: 'link-down', device }])
  })

  it.each([
    'docker0: port 1(vetha17b2cc) entered disabled state',
    'veth12ab34: Link down',
    'cali1d5c6a0536f: link down',
    'mlx5_core 0000:5e:00.0 ens1f0np0: Link up',
    'IPv6: ADDRCONF(NETDEV_UP): eth0: link is not ready',
    'systemd[1]: nvidia-persistenced.service: Deactivated successfully',
    'nvidia-persistenced: Received signal 15',
    'nfs: server filer-7 OK',
    'NVRM: loading NVIDIA UNIX Open Kernel Module',
    'EDAC MC: Ver: 3.0.0',
    'mce: CPU3: Package temperature/speed normal',
  ])('%s is no trouble', text => {
    expect(eventsOf(`[   12.345678] ${text}\n`)).toEqual([])
  })

  it('say which process the kernel killed for memory, whatever the kernel’s age', () => {
    const old = 'Killed process 4711 (python) total-vm:8000kB, anon-rss:4000kB, file-rss:96kB'
    expect(eventsOf(`[   12.345678] ${old}\n`)).toMatchObject([
      { type: 'host-oom', pid: 4711, device: 'python', processBytes: 4096 * 1024 },
    ])
    const bare = 'Out of memory: Killed process 99 (train) total-vm:8000kB, anon-rss:4000kB, shmem-rss:96kB'
    expect(eventsOf(`${bare}\n`)).toMatchObject([{ type: 'host-oom', pid: 99, processBytes: 4096 * 1024 }])
  })

  it('carry a MIG device’s Xid, and one without a known number', () => {
    const text =
      'NVRM: Xid (PCI:0000:81:00 GPU-I:05): 45, pid=12, name=python, Ch 00000008\nNVRM: Xid (0000:03:00): 999, x\n'
    expect(eventsOf(text)).toMatchObject([
      { code: 45, device: '0000:81:00', pid: 12 },
      { code: 999, device: '0000:03:00' },
    ])
    expect(adviceForXid(999).meaning).toBeUndefined()
    expect(adviceForXid(79).meaning).toContain('fallen off the bus')
  })
})

describe('the collector of the kernel log', () => {
  const line = (time: string, text: string) => `2026-11-20T09:00:${time},000000+00:00 ${text}`

  it('follows dmesg and goes on behind the last line after a restart', async () => {
    const host = new LoggingHost('dmesg')
    const { session, records } = await open(host)
    await session.collect()
    expect(host.children[0]?.command).toBe('dmesg')
    host.children[0]?.events.line(line('01', 'NVRM: Xid (PCI:0000:4e:00): 48, pid=1, x'))
    expect(records()).toMatchObject([{ type: 'xid', code: 48, node: 'node-a' }])
    const cursor = session.cursor?.()
    await session.close()
    const second = await open(host, cursor)
    await second.session.collect()
    for (const text of [line('01', 'NVRM: Xid (PCI:0000:4e:00): 48, x'), line('02', 'eth0: link down')])
      host.children[1]?.events.line(text)
    expect(second.records()).toMatchObject([{ type: 'link-down', device: 'eth0' }])
    await second.session.close()
  })

  it('prefers a journal, and resumes it by its cursor', async () => {
    const host = new LoggingHost('journalctl')
    const entry = { MESSAGE: 'ib0: link down', __CURSOR: 's=1;i=2', __REALTIME_TIMESTAMP: '1795165201500000' }
    const { session, records } = await open(host)
    await session.collect()
    for (const text of [JSON.stringify(entry), 'rubbish', '{"MESSAGE":[1,2]}']) host.children[0]?.events.line(text)
    expect(records()).toMatchObject([{ type: 'link-down', time: 1795165201.5 }])
    expect(session.counts?.()).toEqual({ linesRead: 1, linesUnread: 2 })
    const again = await open(host, session.cursor?.())
    await again.session.collect()
    expect(host.children[1]?.args).toContain('--after-cursor=s=1;i=2')
  })

  it('says what to do where it may not read, and tries again later when its child ends', async () => {
    const refused = await open(new LoggingHost(undefined))
    await expect(refused.session.collect()).rejects.toThrow('Operation not permitted')
    const host = new LoggingHost('dmesg')
    const { session } = await open(host)
    await session.collect()
    host.children[0]?.events.exit({ code: 1, signal: null })
    await expect(session.collect()).rejects.toThrow('dmesg ended with 1')
    host.clock += 120
    await session.collect()
    expect(host.children).toHaveLength(2)
  })
})

describe.skipIf(!there)('captured kernel logs', () => {
  const EXPECTED: Record<string, readonly string[]> = {
    'amdgpu-sample.log': ['gpu-error', 'gpu-error', 'gpu-reset', 'iommu-fault', 'machine-check', 'machine-check'],
    'azhpc-journald.log': [],
    'ib-6flaps-syslog.txt': Array<string>(6).fill('link-down'),
    'journalctl-short-iso-2.log': Array<string>(14).fill('gpu-peer-memory'),
    'kmsg-raw-peermem.log': Array<string>(7).fill('gpu-peer-memory'),
    'nccl-iso.log': ['segfault', 'segfault'],
    'probe-failed-2018.log': ['gpu-driver', 'gpu-driver'],
    'short-iso.log': [],
    'xid-119.log': Array<string>(5).fill('xid'),
    'xid79-syslog.log': ['pcie-error', 'pcie-error', 'xid'],
  }
  it.each(there ? readdirSync(captures) : [])('%s is read to its last line', name => {
    const bytes = readFileSync(join(captures, name))
    const reader = createLogReader()
    reader.push(bytes)
    reader.end()
    expect(reader.counts.linesUnread).toBe(0)
    const events = eventsOf(bytes)
    const expected = EXPECTED[name]
    if (expected !== undefined) expect(events.map(({ type }) => type).sort()).toEqual(expected)
    const xids = bytes.toString().match(/NVRM: Xid \(/g)?.length ?? 0
    expect(events.filter(({ type }) => type === 'xid')).toHaveLength(xids)
  })
})
