/**
 * Pages of Prometheus exporters: those that are asked for, else those of device exporters that listen on this node.
 *
 * The devices, processors and links of this node are counted once: the hub puts rows of one node and device index together,
 * whatever their source. So from a page of this node come only the fields of devices that their own tools do not give where
 * they work (profiling, NVLink, PCIe), no Xid where the kernel log is read, and no rows of the host and of links, which other collectors read from the same kernel.
 * A page of another node gives all that it says.
 */
import { PlumblineError } from '../base/errors'
import { ExporterReader } from '../wire/exporters/reader'
import type { WireRecord } from '../wire/records'
import { amdSmi } from './amd-smi'
import { amdgpu } from './amdgpu'
import { kernelLog } from './kernel-log'
import { rocmSmi } from './rocm-smi'
import { defineCollector, type Availability, type CollectorSettings, type Context, type Session } from './collector'
import type { Host } from './host'
import { wanted } from './nvidia/fields'
import { complaintOf, runOnce } from './nvidia/stream'
import { isPage, readPage } from './prometheus/page'

/**
 * Ports on which exporters of devices listen by default: dcgm-exporter, nvidia_gpu_exporter and AMD's device-metrics-exporter.
 * node_exporter's 9100 is left out: what it says of this node is read from the kernel anyway.
 */
const WELL_KNOWN = [9400, 9835, 5000].map(port => `http://127.0.0.1:${port}/metrics`)
const PROBE = { timeoutMs: 1_000, maxBytes: 16 * 1024 * 1024 }
const SCRAPE = { timeoutMs: 5_000, maxBytes: 16 * 1024 * 1024 }
/** Exporters gather their figures every 15 to 30 seconds: asking more often gives the same ones again. */
const LEAST_EVERY_MS = 5_000

const FIX = 'name the pages with --scrape http://HOST:PORT/metrics; see with curl that they answer'
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

/** Whether a page is an exporter's whose metrics are known. */
async function tryPage(host: Host, url: string): Promise<boolean> {
  const answer = await host.fetch(url, PROBE)
  return answer.ok && isPage(answer.text) && readPage(answer.text, new ExporterReader()).taken > 0
}

async function pagesHere(host: Host): Promise<string[]> {
  const found = await Promise.all(WELL_KNOWN.map(async url => ((await tryPage(host, url)) ? [url] : [])))
  return found.flat()
}

async function detect(host: Host, { scrape }: CollectorSettings): Promise<Availability> {
  // One that is asked for and does not answer is shown as failing, and heals by itself.
  const pages = scrape.length > 0 ? scrape : await pagesHere(host)
  if (pages.length > 0) return { available: true, detail: pages.join(', ') }
  return { available: false, why: 'no exporter of devices answers on this node', fix: FIX }
}

const OF_NVIDIA_SMI = new Set<string>(wanted.map(({ field }) => field))
/** What the files of amdgpu, amd-smi or rocm-smi give of a device. */
const OF_AMD = new Set<string>([
  ...[
    'utilizationRatio',
    'memoryUtilizationRatio',
    'memoryUsedBytes',
    'memoryTotalBytes',
    'powerWatts',
    'powerLimitWatts',
  ],
  ...['temperatureCelsius', 'memoryTemperatureCelsius', 'smClockHertz', 'smClockMaxHertz', 'memoryClockHertz'],
  ...['pcieGeneration', 'pcieWidth', 'eccCorrectedErrors', 'eccUncorrectedErrors'],
])
const IDENTITY = new Set(['kind', 'time', 'node', 'index', 'uuid', 'name', 'vendor', 'source', 'instance'])

/** What other collectors read on this node. */
export interface Read {
  readonly nvidia: boolean
  readonly amd: boolean
  readonly kernelLog: boolean
}

/** What a record of this node adds to what other collectors give; undefined where that is nothing. */
export function addition(record: WireRecord, read: Read): WireRecord | undefined {
  if (record.kind === 'host' || record.kind === 'link') return undefined
  // The kernel log has the same Xid with its device, process and text.
  if (record.kind === 'event') return record.type === 'xid' && read.kernelLog ? undefined : record
  if (record.kind !== 'gpu' || record.instance !== undefined) return record
  const theirs = record.vendor === 'amd' ? OF_AMD : OF_NVIDIA_SMI
  if (!(record.vendor === 'amd' ? read.amd : record.vendor === 'nvidia' && read.nvidia)) return record
  const fields = Object.entries(record).filter(([name]) => IDENTITY.has(name) || !theirs.has(name))
  return fields.some(([name]) => !IDENTITY.has(name)) ? (Object.fromEntries(fields) as WireRecord) : undefined
}

async function readHere(host: Host): Promise<Read> {
  const nvidia = complaintOf(await runOnce(host, ['-L'])) === undefined
  const amd = (await Promise.all([amdgpu, amdSmi, rocmSmi].map(collector => collector.detect(host)))).some(
    ({ available }) => available,
  )
  return { nvidia, amd, kernelLog: (await kernelLog.detect(host)).available }
}
const NOTHING: Read = { nvidia: false, amd: false, kernelLog: false }

interface Target {
  readonly url: string
  /** The page speaks of this node. */
  readonly here: boolean
  readonly reader: ExporterReader
  failure: string | undefined
}

class ScrapeSession implements Session {
  private linesRead = 0
  private linesUnread = 0

  constructor(
    private readonly context: Context,
    private readonly targets: readonly Target[],
    private readonly others: Read,
  ) {}

  async collect(): Promise<void> {
    await Promise.all(this.targets.map(target => this.read(target)))
    const failed = this.targets.find(({ failure }) => failure !== undefined)
    if (failed !== undefined) throw new PlumblineError(`${failed.url}: ${failed.failure}`, { fix: FIX })
  }

  counts(): { linesRead: number; linesUnread: number } {
    return { linesRead: this.linesRead, linesUnread: this.linesUnread }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private async read(target: Target): Promise<void> {
    const { host } = this.context
    const answer = await host.fetch(target.url, SCRAPE)
    target.failure = answer.ok ? undefined : answer.error
    if (!answer.ok) return
    const node = target.here ? host.hostname : undefined
    const counts = readPage(answer.text, target.reader, { time: host.now(), node })
    this.linesRead += counts.linesRead
    this.linesUnread += counts.linesUnread
    if (counts.taken === 0) target.failure = 'no metric of an exporter that is known'
    const elsewhere = new URL(target.url).hostname
    target.reader.finish(this.context.batch(), record => {
      if (target.here) return addition(record, this.others)
      return 'node' in record && record.node !== undefined ? record : ({ ...record, node: elsewhere } as WireRecord)
    })
  }
}

async function open(context: Context): Promise<Session> {
  const { host, settings } = context
  const urls = settings.scrape.length > 0 ? settings.scrape : await pagesHere(host)
  const targets = urls.map(url => {
    const { hostname } = new URL(url)
    const here = LOOPBACK.test(hostname) || hostname === host.hostname
    return { url, here, reader: new ExporterReader({ repeated: true }), failure: undefined }
  })
  const others = targets.some(({ here }) => here) ? await readHere(host) : NOTHING
  return new ScrapeSession(context, targets, others)
}

export const scrape = defineCollector({
  name: 'scrape',
  help: 'pages of Prometheus exporters: dcgm-exporter, AMD device-metrics-exporter, node_exporter',
  scope: 'node',
  everyMs: ({ intervalMs }) => Math.max(LEAST_EVERY_MS, intervalMs),
  timeoutMs: 10_000,
  detect,
  open,
})
