/**
 * What is computed of a run, again only when the run has changed, and then not before thrice the time has passed that it
 * took: a store that is busy is not asked more, and who asks meanwhile waits for the same answer.
 */
import type { RunFacts } from './run-facts'

const REST_RATIO = 3
const KEPT = 256

interface Computed<T> {
  readonly changes: number
  readonly restsTo: number
  readonly value: T
}

export class Rested<T> {
  private readonly last = new Map<string, Computed<T>>()
  private readonly running = new Map<string, Promise<T>>()

  constructor(
    private readonly compute: (facts: RunFacts) => Promise<T>,
    private readonly kept = KEPT,
  ) {}

  /** The newest there is, old as it may be. */
  peek(run: string): T | undefined {
    return this.last.get(run)?.value
  }

  async of(facts: RunFacts): Promise<T> {
    const last = this.last.get(facts.run)
    if (last !== undefined && (last.changes === facts.changes || performance.now() < last.restsTo)) return last.value
    const running = this.running.get(facts.run)
    if (running !== undefined) return running
    const work = this.work(facts).finally(() => this.running.delete(facts.run))
    this.running.set(facts.run, work)
    return work
  }

  private async work(facts: RunFacts): Promise<T> {
    // Rows that come meanwhile are not in what is computed now.
    const { run, changes } = facts
    const began = performance.now()
    const value = await this.compute(facts)
    const ended = performance.now()
    this.last.delete(run)
    this.last.set(run, { changes, restsTo: ended + REST_RATIO * (ended - began), value })
    for (const oldest of [...this.last.keys()].slice(0, -this.kept)) this.last.delete(oldest)
    return value
  }
}
