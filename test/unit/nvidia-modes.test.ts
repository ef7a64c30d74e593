/** dmon and compute apps live: one child each, read as they print, over programs that print as nvidia-smi does. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Collector, Session } from '../../collectors/collector'
import { localHost } from '../../collectors/host'
import { appsReader, nvidiaProcesses } from '../../collectors/nvidia-processes'
import { gpmReader, nvidiaDmon } from '../../collectors/nvidia-dmon'
import type { RecordOf } from '../../wire/records'
import { Batch } from '../../wire/table'

const settings = { intervalMs: 1000, logs: [], scrape: [], run: undefined, fromStart: false, synthetic: false }

let folder: string
let session: Session | undefined
let shift = 0
const batch = () => whole
let whole = new Batch()

/** A program of the name nvidia-smi that answers by its first argument. */
function program(cases: Readonly<Record<string, string>>): void {
  const branches = Object.entries(cases).map(([first, body]) => `  ${first}) ${body} ;;`)
  const path = join(folder, 'nvidia-smi')
  writeFileSync(path, `#!/bin/sh\ncase "$1 $2" in\n${branches.join('\n')}\nesac\n`)
  chmodSync(path, 0o755)
}

async function open(collector: Collector): Promise<Session> {
  const local = localHost()
  const host = { ...local, now: () => local.now() + shift }
  session = await collector.open({ host, settings, batch, cursor: undefined, warn: () => undefined })
  return session
}

const gpus = () => whole.records().filter((record): record is RecordOf<'gpu'> => record.kind === 'gpu')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-modes-'))
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`)
  whole = new Batch()
  shift = 0
})
afterEach(async () => {
  await session?.close()
  session = undefined
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const DMON = [
  '# gpu     sm    mem    enc    dec    jpg    ofa   smutil   mmaact     dram      nvlrx      nvltx',
  '# Idx      %      %      %      %      %      %    GPM:%    GPM:%    GPM:%  GPM:MiB/s  GPM:MiB/s',
  '    0     97     41      0      0      0      0       91       47       33      20480      10240',
  '    1     96     40      0      0      0      0        -        -        -          -          -',
]
const PRINT_DMON = `printf '%s\\n' ${DMON.map(line => `'${line}'`).join(' ')}; exec sleep 60`

describe('nvidia-smi dmon, live', () => {
  it('gives the activity of the devices that have it, and nothing that the query gives', async () => {
    program({ '"-L "*': 'echo GPU 0', '"dmon -h"': "echo '    [--gpm-metrics]: x'", '"dmon -s"': PRINT_DMON })
    expect(await nvidiaDmon.detect(localHost())).toMatchObject({ available: true })
    const opened = await open(nvidiaDmon)
    await vi.waitFor(async () => {
      await opened.collect()
      expect(gpus()).toHaveLength(1)
    }, 20_000)
    expect(gpus()[0]).toMatchObject({ index: 0, tensorActiveRatio: 0.47, smActiveRatio: 0.91, dramActiveRatio: 0.33 })
    expect(gpus()[0]).not.toHaveProperty('utilizationRatio')
    expect(opened.counts?.()).toEqual({ linesRead: 4, linesUnread: 0 })
  })

  it('is left out where the tool has no such metrics, and says what would give them', async () => {
    program({ '"dmon -h"': "echo '    GPU statistics are displayed in scrolling format'" })
    expect(await nvidiaDmon.detect(localHost())).toMatchObject({
      available: false,
      why: 'this nvidia-smi has no GPM metrics (tensor and SM activity)',
    })
    program({ '*': "echo 'No devices were found'; exit 6" })
    expect(await nvidiaDmon.detect(localHost())).toMatchObject({
      available: false,
      why: 'No devices were found',
    })
  })

  it('ends by itself on devices that have none', () => {
    const reader = gpmReader()
    for (const line of DMON.slice(0, 2)) reader.line(line, 0)
    for (let line = 0; line < 64; line += 1) expect(reader.line(DMON[3] ?? '', line)).toEqual([])
    expect(reader.isVain).toBe(true)
  })

  it('fails with the reason where the child dies, and is started again later', async () => {
    program({
      '"-L "*': 'echo GPU 0',
      '"dmon -s"': "echo 'Unable to determine the device handle for GPU 0000:41:00.0: Unknown Error'; exit 15",
    })
    const opened = await open(nvidiaDmon)
    await vi.waitFor(() => expect(opened.collect()).rejects.toThrow(/Unable to determine the device handle/), 20_000)
    program({ '"-L "*': 'echo GPU 0', '"dmon -s"': PRINT_DMON })
    shift = 60
    await vi.waitFor(async () => {
      await opened.collect().catch(() => undefined)
      expect(gpus()).toHaveLength(1)
    }, 20_000)
    await expect(opened.collect()).resolves.toBeUndefined()
  })
})

const TITLES = 'timestamp, gpu_uuid, pid, process_name, used_gpu_memory [MiB]'
const line = (clock: string, gpu: string, pid: number) => `2026/03/01 ${clock}, GPU-${gpu}, ${pid}, python3, ${pid} MiB`

describe('processes on the devices, live', () => {
  it('tells the processes of a device and round together, though their stamps differ', () => {
    const reader = appsReader()
    expect(reader.line(TITLES, 10)).toEqual([])
    expect(reader.line(line('10:00:00.250', 'a', 41), 10)).toEqual([])
    expect(reader.line(line('10:00:00.251', 'a', 42), 10)).toEqual([])
    expect(reader.line(line('10:00:00.252', 'b', 43), 10)).toEqual([])
    expect(reader.settle(10.5)).toEqual([])
    const processes = (records: readonly RecordOf<'gpu'>[]) =>
      records.map(({ uuid, processes: own }) => [uuid, own?.length])
    expect(processes(reader.settle(12))).toEqual([
      ['GPU-a', 2],
      ['GPU-b', 1],
    ])
    expect(reader.line(line('10:00:05.250', 'a', 41), 15)).toEqual([])
    expect(processes(reader.line(line('10:00:10.250', 'a', 41), 20) ?? [])).toEqual([['GPU-a', 1]])
    expect(reader.line('NVRM: garbage', 20)).toBeUndefined()
  })

  it('comes from one child', async () => {
    const help = `printf '"pid"\\n"used_gpu_memory" or "used_memory"\\n'`
    const rows = `printf '%s\\n' '${TITLES}' '${line('10:00:00.250', 'a', 41)}'; exec sleep 60`
    program({ '"-L "*': 'echo GPU 0', '--help-query-compute-apps*': help, '--query-compute-apps=*': rows })
    expect(await nvidiaProcesses.detect(localHost())).toMatchObject({ available: true })
    const opened = await open(nvidiaProcesses)
    await vi.waitFor(async () => {
      await opened.collect()
      expect(opened.counts?.().linesRead).toBe(2)
    }, 20_000)
    shift = 5
    await opened.collect()
    expect(gpus()[0]).toMatchObject({ uuid: 'GPU-a', processes: [{ pid: 41, memoryUsedBytes: 41 * 1048576 }] })
  })
})
