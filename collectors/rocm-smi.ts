/**
 * AMD devices from rocm-smi, where neither the files of the driver nor amd-smi are there. Each run starts Python, which costs
 * about a second of a processor, and it has no watch mode: it is asked every ten seconds at most.
 */
import { PlumblineError } from '../base/errors'
import { parseRocmJson } from './amd/rocm-json'
import { cheaperThan, complaintOf, here, runTool } from './amd/tools'
import { defineCollector, type Availability, type Context, type Session } from './collector'
import type { Host } from './host'

const LEAST_EVERY_MS = 10_000
const ARGS = [
  ...['--showuse', '--showmemuse', '--showmeminfo', 'vram', '--showpower', '--showmaxpower', '--showtemp'],
  ...['--showclocks', '--showproductname', '--showuniqueid', '--json'],
]
const BY_HAND = `run rocm-smi ${ARGS.join(' ')} by hand to see what it says`

async function detect(host: Host): Promise<Availability> {
  const instead = await cheaperThan(host, 'rocm-smi')
  if (instead !== undefined) return { available: false, why: instead, fix: 'none is needed' }
  const ran = await runTool(host, 'rocm-smi', ['--showproductname', '--json'])
  const complaint = complaintOf('rocm-smi', ran)
  if (complaint?.type === 'not-installed' || complaint?.type === 'no-devices')
    return { available: false, why: complaint.message, fix: complaint.fix }
  if (complaint !== undefined) return { available: true, detail: `rocm-smi fails: ${complaint.message}` }
  const records = parseRocmJson(ran.stdout)?.records ?? []
  const names = records.flatMap(record => (record.kind === 'gpu' && record.name !== undefined ? [record.name] : []))
  const kinds = [...new Set(names)].map(name => `${names.filter(other => other === name).length} × ${name}`)
  return { available: true, detail: kinds.length === 0 ? 'rocm-smi' : kinds.join(', ') }
}

class RocmSmiSession implements Session {
  private linesRead = 0
  private linesUnread = 0

  constructor(private readonly context: Context) {}

  async collect(): Promise<void> {
    const { host } = this.context
    const ran = await runTool(host, 'rocm-smi', ARGS)
    const complaint = complaintOf('rocm-smi', ran)
    if (complaint !== undefined) throw new PlumblineError(complaint.message, { fix: complaint.fix })
    const reading = parseRocmJson(ran.stdout)
    if (reading === undefined) throw new PlumblineError('rocm-smi printed no JSON of devices', { fix: BY_HAND })
    this.linesRead += reading.linesRead
    this.linesUnread += reading.linesUnread
    for (const record of reading.records) this.context.batch().add(here(host, record))
  }

  counts(): { linesRead: number; linesUnread: number } {
    return { linesRead: this.linesRead, linesUnread: this.linesUnread }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

export const rocmSmi = defineCollector({
  name: 'rocm-smi',
  help: 'AMD devices where rocm-smi is all there is: utilisation, memory, power, clocks, temperature',
  scope: 'node',
  everyMs: ({ intervalMs }) => Math.max(LEAST_EVERY_MS, intervalMs),
  timeoutMs: 30_000,
  detect: host => detect(host),
  open: context => Promise.resolve(new RocmSmiSession(context)),
})
