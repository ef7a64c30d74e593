/** Sources of AMD devices on machines made up for it: which is chosen, what it gives, how it fails. */
import { describe, expect, it } from 'vitest'
import { failureOf } from '../../collectors/amd/failures'
import { amdSmi } from '../../collectors/amd-smi'
import { amdgpu } from '../../collectors/amdgpu'
import type { Collector, CollectorSettings } from '../../collectors/collector'
import { rocmSmi } from '../../collectors/rocm-smi'
import { Batch } from '../../wire/table'
import { AmdHost, prints } from './amd-host'

const settings: CollectorSettings = {
  intervalMs: 1000,
  logs: [],
  scrape: [],
  run: undefined,
  fromStart: false,
  synthetic: false,
}
const LIST = 'gpu,gpu_bdf,gpu_uuid\n0,0000:11:00.0,aa\n1,0000:2f:00.0,bb\n'
const NO_DRIVER = prints('', 255, 'ERROR:root:Driver not loaded (amdgpu not found in modules)\n')
const BROKEN = prints(
  '',
  1,
  'Traceback (most recent call last):\n  File "x"\nModuleNotFoundError: No module named \'amdsmi\'\n',
)
const JSON_OF_TWO = JSON.stringify({
  card0: { 'GPU use (%)': '88', 'Card Series': 'Instinct MI250Y' },
  card1: { 'GPU use (%)': 'N/A', 'Card Series': 'Instinct MI250Y' },
})

function open(host: AmdHost, collector: Collector, intervalMs = 1000) {
  const batch = new Batch()
  const context = { host, settings: { ...settings, intervalMs }, cursor: undefined, warn: () => undefined }
  return collector.open({ ...context, batch: () => batch }).then(session => ({
    batch,
    session,
    collect: () =>
      session.collect().then(
        () => 'fine',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      ),
  }))
}

const sources: readonly Collector[] = [amdgpu, amdSmi, rocmSmi]

async function chosen(host: AmdHost): Promise<string[]> {
  const found: string[] = []
  for (const collector of sources) if ((await collector.detect(host, settings)).available) found.push(collector.name)
  return found
}

describe('the source of AMD devices', () => {
  const all = (host: AmdHost) => {
    host.tools.set('amd-smi', () => prints(LIST))
    host.tools.set('rocm-smi', () => prints(JSON_OF_TWO))
    return host
  }

  it('is exactly one: the files of the driver, else amd-smi, else rocm-smi', async () => {
    const withFiles = all(new AmdHost())
    withFiles.card(0, { gpu_busy_percent: '7' })
    expect(await chosen(withFiles)).toEqual(['amdgpu'])
    const tools = all(new AmdHost())
    expect(await chosen(tools)).toEqual(['amd-smi'])
    tools.tools.delete('amd-smi')
    expect(await chosen(tools)).toEqual(['rocm-smi'])
    tools.tools.delete('rocm-smi')
    expect(await chosen(tools)).toEqual([])
  })

  it('passes an amd-smi by that cannot start, not one whose driver is missing', async () => {
    const host = all(new AmdHost())
    host.tools.set('amd-smi', () => BROKEN)
    expect(await chosen(host)).toEqual(['rocm-smi'])
    expect(await (amdSmi as Collector).detect(host, settings)).toMatchObject({
      available: false,
      fix: expect.stringMatching(/apt install/),
    })
    host.tools.set('amd-smi', () => NO_DRIVER)
    expect(await chosen(host)).toEqual(['amd-smi'])
  })

  it('is found in /opt/rocm where the PATH lacks it', async () => {
    const host = new AmdHost()
    host.write('/opt/rocm/bin/rocm-smi', '')
    host.tools.set('/opt/rocm/bin/rocm-smi', () => prints(JSON_OF_TWO))
    expect(await (rocmSmi as Collector).detect(host, settings)).toEqual({
      available: true,
      detail: '2 × Instinct MI250Y',
    })
  })
})

describe('amdgpu', () => {
  it('reads its cards in the order of their numbers, and reads seldom what seldom changes', async () => {
    const host = new AmdHost('node-b')
    host.write('/sys/class/drm/card0/device/uevent', 'DRIVER=ast\n')
    host.card(10, { gpu_busy_percent: '20', mem_info_vram_total: '1000', 'hwmon/hwmon4/power1_average': '90500000' })
    host.card(2, { gpu_busy_percent: '70', mem_info_vram_total: '2000', unique_id: 'cafe' })
    const { batch, collect } = await open(host, amdgpu)
    expect(await collect()).toBe('fine')
    expect(batch.records()).toEqual([
      expect.objectContaining({
        node: 'node-b',
        index: 0,
        utilizationRatio: 0.7,
        memoryTotalBytes: 2000,
        uuid: 'cafe',
      }),
      expect.objectContaining({
        index: 1,
        utilizationRatio: 0.2,
        powerWatts: 90.5,
        time: host.clock,
        source: 'amdgpu',
      }),
    ])
    host.clock += 1
    host.card(2, { gpu_busy_percent: '71', mem_info_vram_total: '3000' })
    await collect()
    expect(batch.records()[2]).toMatchObject({ utilizationRatio: 0.71, memoryTotalBytes: 2000 })
    host.clock += 15
    await collect()
    expect(batch.records()[4]).toMatchObject({ memoryTotalBytes: 3000 })
  })

  it('does not wake a device that sleeps, and says so when all are gone', async () => {
    const host = new AmdHost()
    host.card(0, { gpu_busy_percent: '1', 'power/runtime_status': 'suspended' })
    const { batch, collect } = await open(host, amdgpu)
    expect(await collect()).toBe('fine')
    expect(batch.rows).toBe(0)
    expect(await (await open(new AmdHost(), amdgpu)).collect()).toContain('no device')
  })

  it('gives of a divided device the whole alone', async () => {
    const host = new AmdHost()
    host.card(0, { gpu_busy_percent: '44', current_compute_partition: 'CPX', pp_dpm_sclk: '0: 500Mhz *' })
    const { batch, collect } = await open(host, amdgpu)
    await collect()
    expect(batch.records()).toHaveLength(1)
    expect(batch.records()[0]).not.toHaveProperty('instance')
    expect(batch.records()[0]).not.toHaveProperty('smClockHertz')
  })
})

describe('amd-smi', () => {
  const HEADER = 'timestamp,gpu,power_usage,gfx,vram_used,vram_total'

  it('is one child whose lines become samples of now', async () => {
    const host = new AmdHost()
    host.tools.set('amd-smi', () => prints(LIST))
    const { batch, collect, session } = await open(host, amdSmi, 2500)
    expect(await collect()).toBe('fine')
    const [child] = host.children
    expect(child?.args.join(' ')).toMatch(/^env PYTHONUNBUFFERED=1 amd-smi monitor .*--csv --watch 3$/)
    for (const line of [HEADER, '17,0,120,55,10,20', '17,1,N/A,0,10,20', '18,0,130,56,10,20']) child?.events.line(line)
    await collect()
    expect(host.children).toHaveLength(1)
    expect(batch.records()).toMatchObject([
      { index: 0, time: host.clock, powerWatts: 120, utilizationRatio: 0.55, memoryTotalBytes: 20 * 1048576 },
      { index: 1, utilizationRatio: 0 },
      { index: 0, powerWatts: 130 },
    ])
    expect(session.counts?.()).toEqual({ linesRead: 4, linesUnread: 0 })
    await session.close()
    expect(child?.stopped).toBe(true)
  })

  it('starts again with back-off when its child ends or hangs, and says why', async () => {
    const host = new AmdHost()
    host.tools.set('amd-smi', () => prints(LIST))
    const { collect } = await open(host, amdSmi)
    await collect()
    host.children[0]?.events.errorLine('AmdSmiLibraryException: AMDSMI_STATUS_NO_PERM')
    host.children[0]?.events.exit({ code: 1, signal: null })
    expect(await collect()).toContain('NO_PERM')
    expect(host.children).toHaveLength(1)
    host.clock += 120
    await collect()
    expect(host.children).toHaveLength(2)
    host.clock += 20
    expect(await collect()).toContain('printed nothing for 20 s')
    expect(host.children[1]?.stopped).toBe(true)
    host.children[1]?.events.line(HEADER)
    host.clock += 120
    await collect()
    for (const line of [HEADER, '1,0,9,1,1,2', '2,0,9,1,1,2']) host.children[2]?.events.line(line)
    expect(await collect()).toBe('fine')
  })
})

describe('rocm-smi', () => {
  it('is run every ten seconds at most', async () => {
    expect(rocmSmi.everyMs({ ...settings, intervalMs: 500 })).toBe(10_000)
    const host = new AmdHost()
    host.tools.set('rocm-smi', () => prints(JSON_OF_TWO, 0, 'WARNING: AMD GPU device(s) is/are in a low-power state.'))
    const { batch, collect } = await open(host, rocmSmi)
    expect(await collect()).toBe('fine')
    expect(batch.records()).toMatchObject([{ index: 0, utilizationRatio: 0.88 }, { index: 1 }])
    expect(batch.records()[1]).not.toHaveProperty('utilizationRatio')
    host.tools.set('rocm-smi', () => prints('nonsense'))
    expect(await collect()).toContain('no JSON')
  })
})

describe('complaints of the tools', () => {
  it.each([
    ['ERROR:root:Driver not initialized (amdgpu not found in modules)', 'no-driver', /modprobe amdgpu/],
    ['ROCk module is NOT loaded, possibly no GPU devices', 'no-driver', /modprobe/],
    ['User is missing the following required groups: render, video.', 'no-permission', /usermod -aG render,video/],
    ['amdsmi.AmdSmiLibraryException: AMDSMI_STATUS_NO_PERM - Permission Denied', 'no-permission', /usermod/],
    ['WARNING:root:No AMD GPUs specified', 'no-devices', /lspci/],
    ["ModuleNotFoundError: No module named 'amdsmi'", 'python', /apt install/],
    ['amdsmi.AmdSmiLibraryException: AMDSMI_STATUS_INVAL', 'failed', /by hand/],
  ])('%s is %s', (line, type, fix) => {
    expect(failureOf(line)).toMatchObject({ type, fix: expect.stringMatching(fix) as unknown })
  })

  it('are not taken from a log that quotes them', () => {
    expect(failureOf('[rank0]: it said: Driver not initialized (amdgpu not found in modules)')).toBeUndefined()
    expect(failureOf('step 10 loss 2.5')).toBeUndefined()
  })
})
