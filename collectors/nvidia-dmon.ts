/**
 * What the devices are busy with, from one long-lived `nvidia-smi dmon` with GPM metrics: tensor cores, SMs, memory and
 * NVLink. Hopper and later have them; with the tensor cores' share FLOP/s are measured without a profiler.
 */
import { defineCollector, type Availability } from './collector'
import type { Host } from './host'
import { complaintOf, runOnce } from './nvidia/stream'
import { ModeChild, type ModeReader } from './nvidia/mode-child'
import { deviceLine, isUnitLine, titlesOf, type Titles } from './nvidia/monitor'

/** SM, any tensor, DRAM, NVLink received and sent: nvmlGpmMetricId_t. https://docs.nvidia.com/deploy/nvml-api/group__nvmlGpmEnums.html */
const METRICS = '2,5,10,60,61'
/** Lines of devices without a value after which there is none to come. */
const VAIN_LINES = 64

async function detect(host: Host): Promise<Availability> {
  const help = await runOnce(host, ['dmon', '-h'])
  const complaint = help.stdout.includes('--gpm-metrics') ? undefined : complaintOf(help)
  if (complaint !== undefined && complaint.type !== 'failed' && complaint.type !== 'ended')
    return { available: false, why: complaint.message, fix: complaint.fix }
  if (help.stdout.includes('--gpm-metrics'))
    return { available: true, detail: `nvidia-smi dmon --gpm-metrics=${METRICS}` }
  const why = 'this nvidia-smi has no GPM metrics (tensor and SM activity)'
  return { available: false, why, fix: 'update the driver to 525 or later; the devices must be Hopper or later' }
}

/** Only what the query of every device does not say: those figures come from there. */
export function gpmReader(): ModeReader {
  let titles: Titles | undefined
  let vain = 0
  return {
    line(text) {
      const found = titlesOf(text, 'dmon')
      titles = found ?? titles
      if (found !== undefined || isUnitLine(text)) return []
      const record = titles === undefined ? undefined : deviceLine(titles, text)
      if (record === undefined || record === 'instance') return record === undefined ? undefined : []
      const { kind, index, vendor, source, smActiveRatio, tensorActiveRatio, dramActiveRatio } = record
      const { nvlinkReceiveBytesPerSecond, nvlinkTransmitBytesPerSecond } = record
      const activity = {
        smActiveRatio,
        tensorActiveRatio,
        dramActiveRatio,
        nvlinkReceiveBytesPerSecond,
        nvlinkTransmitBytesPerSecond,
      }
      if (Object.values(activity).every(value => value === undefined)) {
        vain += 1
        return []
      }
      vain = -Infinity
      return [{ kind, index, vendor, source, ...activity }]
    },
    settle: () => [],
    get isVain() {
      return vain >= VAIN_LINES
    },
  }
}

export const nvidiaDmon = defineCollector({
  name: 'nvidia-dmon',
  help: 'NVIDIA devices of Hopper and later: activity of tensor cores, SMs, memory and NVLink',
  scope: 'node',
  // Devices before Hopper have no such figures.
  quiet: true,
  everyMs: ({ intervalMs }) => Math.min(5_000, Math.max(1_000, intervalMs)),
  timeoutMs: 15_000,
  detect: host => detect(host),
  open(context) {
    const seconds = String(Math.max(1, Math.round(context.settings.intervalMs / 1000)))
    const args = ['dmon', '-s', 'u', `--gpm-metrics=${METRICS}`, '-d', seconds]
    return Promise.resolve(new ModeChild(context, args, gpmReader))
  },
})
