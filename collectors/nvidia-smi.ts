/** NVIDIA devices, from one long-lived `nvidia-smi`. */
import { defineCollector, type Availability } from './collector'
import type { Host } from './host'
import { listedDevices } from './nvidia/failures'
import { complaintOf, runOnce, Stream } from './nvidia/stream'

/** `8 × NVIDIA H200`, or several kinds with commas between. */
function describe(devices: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const device of devices) counts.set(device, (counts.get(device) ?? 0) + 1)
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ')
}

/** A tool that is there and does not work is available: its failure is then shown as a failure, and heals by itself. */
async function detect(host: Host): Promise<Availability> {
  const list = await runOnce(host, ['-L'])
  const complaint = complaintOf(list)
  if (complaint === undefined) {
    const devices = listedDevices(list.stdout)
    return { available: true, detail: devices.length === 0 ? 'nvidia-smi, no devices listed' : describe(devices) }
  }
  if (complaint.type === 'not-installed' || complaint.type === 'no-devices') {
    return { available: false, why: complaint.message, fix: complaint.fix }
  }
  return { available: true, detail: `nvidia-smi fails: ${complaint.message}` }
}

export const nvidiaSmi = defineCollector({
  name: 'nvidia-smi',
  help: 'NVIDIA devices: utilisation, memory, power, clocks, temperature, errors',
  scope: 'node',
  // How often to check that lines still come; the samples themselves come at the pace of the settings.
  everyMs: ({ intervalMs }) => Math.min(5_000, Math.max(1_000, intervalMs)),
  timeoutMs: 15_000,
  detect: host => detect(host),
  open: context => Promise.resolve(new Stream(context)),
})
