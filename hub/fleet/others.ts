/** What this hub has with the others: it tells them what it stored and who is here, and acts on what they say. */
import { unixSeconds } from '../../base/clock'
import type { Server } from 'socket.io'
import type { Keeper } from '../findings/keeper'
import type { AgentsDoor } from '../ingest/agents'
import type { Live } from '../live/live'
import type { Nodes } from '../nodes'
import type { Runs } from '../runs'
import type { Store } from '../store/store'
import type { Admission } from './admission'
import type { Fleet } from './fleet'
import type { Heard } from './messages'
import { Presence } from './presence'
import { Tail } from './tail'

export interface OthersOptions {
  readonly fleet: Fleet
  readonly store: Store
  readonly runs: Runs
  readonly nodes: Nodes
  readonly keeper: Keeper
  readonly live: Live
  readonly admission: Admission
  readonly agents: AgentsDoor
  log(line: string): void
}

export class Others {
  private readonly presence: Presence
  private readonly tail: Tail

  constructor(private readonly options: OthersOptions) {
    const { fleet, nodes, live, log } = options
    this.presence = new Presence({
      fleet,
      own: () => ({ agents: nodes.present(), watched: live.watched() }),
      others: present => nodes.hear(present, unixSeconds()),
    })
    this.tail = new Tail({ fleet, log, read: since => this.read(since) })
  }

  start(server: Server): void {
    this.options.fleet.connect(server, heard => this.hear(heard))
    this.tail.start()
    this.presence.start()
  }

  /** Runs that somebody looks at at other hubs. */
  watched(): string[] {
    return this.presence.watched()
  }

  /** This hub stored what arrived at `receivedAt`, in Unix seconds. */
  stored(receivedAt: number): void {
    this.tail.stored(receivedAt)
  }

  async close(): Promise<void> {
    await Promise.all([this.tail.close(), this.presence.close()])
  }

  private hear(heard: Heard): void {
    const { admission, agents } = this.options
    if (heard.what === 'stored') this.tail.heard(heard.from)
    else if (heard.what === 'present') this.presence.hear(heard)
    else if (admission.has(heard.agent)) agents.release(heard.agent)
  }

  private async read(since: number): Promise<void> {
    const { store, runs, nodes, keeper, live } = this.options
    const touched = await runs.restore(since)
    const seen = await nodes.restore(store, since)
    for (const run of await keeper.follow(since)) touched.add(run)
    live.changed(run => touched.has(run) || [...seen].some(node => runs.isOn(run, node)))
  }
}
