/** Which hub an agent is with: the one that it came to last, once the one before has stored what it had of it. */
import { sleep } from '../../base/clock'
import type { Store } from '../store/store'
import type { Fleet } from './fleet'

const LOOK_MS = 100
/** Then the agent is told, and comes again. */
const PATIENCE_MS = 5000

const unitOf = (agent: string) => `agent ${agent}`

export class Admission {
  constructor(
    private readonly fleet: Fleet,
    private readonly store: Store,
  ) {}

  /** Undefined once this hub is the one, else why it is not. Rejects where the store does not say what it has. */
  async admit(agent: string, isStill: () => boolean): Promise<string | undefined> {
    if (this.fleet.isAlone) return undefined
    const until = performance.now() + PATIENCE_MS
    while (!(await this.fleet.claim(unitOf(agent)))) {
      if (this.fleet.term === undefined) return 'Redis does not answer this hub: it has no place among the hubs now'
      if (!isStill()) return 'it came again'
      if (performance.now() > until) return 'another hub still has this agent'
      this.fleet.say({ what: 'want', agent })
      await sleep(LOOK_MS)
    }
    await this.store.adopt(agent)
    return undefined
  }

  /** Whether another hub's wish for an agent concerns this one. */
  has(agent: string): boolean {
    return !this.fleet.isAlone && this.fleet.holds(unitOf(agent))
  }

  async giveUp(agent: string): Promise<void> {
    await this.store.giveUp([agent])
    await this.fleet.release(unitOf(agent))
  }
}
