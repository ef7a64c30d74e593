/** An agent without collectors: it brings to the hub what a command made, read or measured, and is gone. */
import { startAgent, type AgentHandle, type AgentOptions } from '../agent/agent'
import { localHost } from '../collectors/host'

type Sender = Pick<AgentOptions, 'hub' | 'token' | 'data' | 'spool' | 'spoolBytes' | 'isPast' | 'log'>

export interface Message extends Sender {
  /** The run that it is about; '' where it is about none. */
  readonly run: string
  /** Whether it is made up. */
  readonly synthetic: boolean
}

/** Throws a PlumblineError where the data folder cannot be written. */
export function startMessenger({ run, synthetic, ...sender }: Message): Promise<AgentHandle> {
  return startAgent({
    ...sender,
    host: localHost(),
    temporary: true,
    collectors: [],
    collectorSettings: { intervalMs: 1000, logs: [], scrape: [], topology: '', run, fromStart: true, synthetic },
  })
}
