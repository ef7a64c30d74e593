/** The agent of this machine, as `plumbline agent` and `plumbline start` run it. */
import { join } from 'node:path'
import { startAgent, type AgentHandle } from '../agent/agent'
import { localHost } from '../collectors/host'
import { collectors } from '../collectors/index'
import { hubUrl, type PlumblineSettings } from './settings'

export interface NodeAgentOptions {
  readonly settings: PlumblineSettings
  readonly run?: string | undefined
  readonly fromStart?: boolean
  readonly log: (line: string) => void
}

/** Where hooks write when nobody tells them where: every node's agent follows it. */
const hookLogs = (data: string) => join(data, 'hook', '*', 'rank-*.jsonl')

export function startNodeAgent({ settings, run, fromStart = false, log }: NodeAgentOptions): Promise<AgentHandle> {
  const { data, token, spoolBytes, intervalMs } = settings
  return startAgent({
    host: localHost(),
    hub: hubUrl(settings),
    token,
    data,
    spool: 'agent',
    spoolBytes,
    exports: settings,
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
