/** By what way the devices and NICs of a node reach one another, from `nvidia-smi topo -m`: once, and when it changed. */
import type { RecordOf } from '../wire/records'
import { defineCollector, type Availability, type Context, type Json, type Session } from './collector'
import { nvidiaSmiTopo } from './forms/nvidia-smi-topo'
import type { Host } from './host'
import { complaintOf, runOnce } from './nvidia/stream'

const EVERY_MS = 3_600_000
const TIMEOUT_MS = 60_000

type Path = RecordOf<'path'>

const pathsIn = (text: string): Path[] =>
  (nvidiaSmiTopo.parse(text)?.records ?? []).flatMap(record => (record.kind === 'path' ? [record] : []))

async function detect(host: Host): Promise<Availability> {
  const ran = await runOnce(host, ['topo', '-m'], TIMEOUT_MS)
  const paths = pathsIn(ran.stdout)
  if (paths.length > 0) {
    const ends = new Set(paths.map(({ from }) => from)).size
    return { available: true, detail: `nvidia-smi topo -m: the ways between ${ends} devices and NICs` }
  }
  const complaint = complaintOf(ran)
  if (complaint !== undefined && complaint.type !== 'ended' && complaint.type !== 'failed')
    return { available: false, why: complaint.message, fix: complaint.fix }
  return {
    available: false,
    why: 'one device alone, or an nvidia-smi that does not tell of ways between devices',
    fix: 'none is needed for one device; else update the driver',
  }
}

class TopoSession implements Session {
  /** What was told last, as JSON. */
  private told: string

  constructor(private readonly context: Context) {
    this.told = typeof context.cursor === 'string' ? context.cursor : ''
  }

  async collect(): Promise<void> {
    const { host } = this.context
    const paths = pathsIn((await runOnce(host, ['topo', '-m'], TIMEOUT_MS)).stdout)
    const now = JSON.stringify(paths)
    if (paths.length === 0 || now === this.told) return
    const [time, node] = [host.now(), host.hostname]
    for (const path of paths) this.context.batch().add({ ...path, time, node })
    this.told = now
  }

  cursor(): Json {
    return this.told
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

export const nvidiaTopo = defineCollector({
  name: 'nvidia-topo',
  help: 'by what way NVIDIA devices and NICs of the node reach one another',
  scope: 'node',
  // With one device there is nothing to tell.
  quiet: true,
  everyMs: () => EVERY_MS,
  timeoutMs: TIMEOUT_MS + 5_000,
  detect: host => detect(host),
  open: context => Promise.resolve(new TopoSession(context)),
})
