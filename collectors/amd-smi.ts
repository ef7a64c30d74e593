/** AMD devices, from one long-lived `amd-smi monitor`, where the files of the driver are not to be seen. */
import { cellsOfCsv } from './amd/csv'
import { cheaperThan, complaintOf, runTool, works } from './amd/tools'
import { Watch } from './amd/watch'
import { defineCollector, type Availability } from './collector'
import type { Host } from './host'

/** A tool that is there and whose driver does not work is available: its failure is then shown as one, and heals by itself. */
async function detect(host: Host): Promise<Availability> {
  const instead = await cheaperThan(host, 'amd-smi')
  if (instead !== undefined) return { available: false, why: instead, fix: 'none is needed' }
  const list = await runTool(host, 'amd-smi', ['list', '--csv'])
  const complaint = complaintOf('amd-smi', list)
  if (complaint === undefined) {
    const devices = list.stdout.split('\n').filter(line => /^\d{1,4}$/.test(cellsOfCsv(line)?.[0] ?? ''))
    return { available: true, detail: `${devices.length} devices or partitions` }
  }
  if (complaint.type === 'no-devices' || !(await works(host, 'amd-smi')))
    return { available: false, why: complaint.message, fix: complaint.fix }
  return { available: true, detail: `amd-smi fails: ${complaint.message}` }
}

export const amdSmi = defineCollector({
  name: 'amd-smi',
  help: 'AMD devices from amd-smi: utilisation, memory, power, clocks, temperature, errors',
  scope: 'node',
  // How often to check that lines still come; the samples themselves come at the pace of the settings.
  everyMs: ({ intervalMs }) => Math.min(5_000, Math.max(1_000, intervalMs)),
  timeoutMs: 25_000,
  detect: host => detect(host),
  open: context => Promise.resolve(new Watch(context)),
})
