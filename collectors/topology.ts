/** The topology from a file that somebody wrote or a tool made: told once, and again when the file changes. */
import { PlumblineError } from '../base/errors'
import {
  defineCollector,
  type Availability,
  type CollectorSettings,
  type Context,
  type Json,
  type Session,
} from './collector'
import type { TextForm } from './form'
import { ibnetdiscover } from './forms/ibnetdiscover'
import { topologyKubernetes } from './forms/topology-kubernetes'
import { topologySlurm } from './forms/topology-slurm'
import { topologyYaml } from './forms/topology-yaml'
import type { Host } from './host'
import type { Cable } from './topology/tree'

const FORMS: readonly TextForm[] = [topologySlurm, ibnetdiscover, topologyKubernetes, topologyYaml]
const MOST_BYTES = 64 * 1024 * 1024
const FIX =
  'give a file as Slurm’s topology.conf or topology.yaml, the output of ibnetdiscover, or of kubectl get nodes -o yaml with topology labels'

function cablesOf(text: string): Cable[] {
  const reading = FORMS.map(form => form.parse(text)).find(found => found !== undefined && found.records.length > 0)
  return (reading?.records ?? []).filter((record): record is Cable => record.kind === 'topology')
}

/** Throws where the file cannot be read or says nothing. */
export async function readTopology(host: Host, path: string): Promise<Cable[]> {
  const text = await host.read(path, MOST_BYTES)
  if (text === undefined)
    throw new PlumblineError(`the topology file ${path} cannot be read`, { fix: 'check its path and its permissions' })
  const cables = cablesOf(text)
  if (cables.length === 0) throw new PlumblineError(`the topology file ${path} names no switch`, { fix: FIX })
  return cables
}

/** A file that was given and cannot be used is available: its failure is shown as one. */
function detect({ topology = '' }: CollectorSettings): Availability {
  return topology === ''
    ? {
        available: false,
        why: 'no topology file was given',
        fix: `none is needed where LLDP tells it; else ${FIX}, with --topology FILE`,
      }
    : { available: true, detail: topology }
}

class TopologySession implements Session {
  /** The file as it was told last. */
  private told: string

  constructor(private readonly context: Context) {
    this.told = typeof context.cursor === 'string' ? context.cursor : ''
  }

  async collect(): Promise<void> {
    const { host, settings } = this.context
    const { topology: path = '' } = settings
    if (path === '') return
    const stat = await host.stat(path)
    const now = stat === undefined ? '' : `${path} ${stat.size} ${stat.modifiedAt}`
    if (now !== '' && now === this.told) return
    const cables = await readTopology(host, path)
    const time = host.now()
    for (const cable of cables) this.context.batch().add({ ...cable, time })
    this.told = now
  }

  cursor(): Json {
    return this.told
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

export const topology = defineCollector({
  name: 'topology',
  help: 'which node is on which switch, from the file given with --topology',
  scope: 'node',
  everyMs: () => 30_000,
  timeoutMs: 10_000,
  detect: (_, settings) => Promise.resolve(detect(settings)),
  open: context => Promise.resolve(new TopologySession(context)),
})
