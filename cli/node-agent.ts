/** The agent of this machine, as `plumbline agent` and `plumbline start` run it. */
import { getPriority, setPriority } from 'node:os'
import { join } from 'node:path'
import { startAgent, type AgentHandle } from '../agent/agent'
import { localHost } from '../collectors/host'
import { collectors } from '../collectors/index'
import { hubUrl, type PlumblineSettings } from './settings'

export interface NodeAgentOptions {
  readonly settings: PlumblineSettings
  readonly run?: string | undefined
  readonly fromStart?: boolean
  /** It shares its process with nothing else, and so may hold the whole of it back. */
  readonly isAlone?: boolean
  readonly log: (line: string) => void
}

/** Where hooks write when nobody tells them where: every node's agent follows it. */
const hookLogs = (data: string) => join(data, 'hook', '*', 'rank-*.jsonl')

/**
 * Training goes first. The kernel takes the priority at the disk from that at the processor:
 * https://docs.kernel.org/block/ioprio.html. Not as far as 19: of a machine that is full it would get too little to see anything.
 */
function standBack(niceness: number): void {
  // Never forward: who was started with less priority keeps it.
  if (niceness > getPriority()) setPriority(niceness)
}

export function startNodeAgent({
  settings,
  run,
  fromStart = false,
  isAlone = false,
  log,
}: NodeAgentOptions): Promise<AgentHandle> {
  const { data, token, spoolBytes, intervalMs } = settings
  if (isAlone) standBack(settings.niceness)
  return startAgent({
    host: localHost(),
    hub: hubUrl(settings),
    token,
    data,
    spool: 'agent',
    spoolBytes,
    exports: settings,
    ...(isAlone && { cpuRatio: settings.cpuRatio }),
    log,
    collectors: [...collectors],
    collectorSettings: {
      intervalMs,
      logs: [...settings.logs, hookLogs(data)],
      logFormats: settings.logFormats,
      scrape: settings.scrape,
      topology: settings.topology,
      run,
      fromStart,
      synthetic: false,
    },
  })
}
