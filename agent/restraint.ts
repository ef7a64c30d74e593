/**
 * The agent's hold on itself: it measures what share of one processor its own process takes, and over its bound it looks less
 * often, until it is below it. What its collectors' children take (nvidia-smi) is not in it: they run at the pace they were given.
 */
const LOOK_MS = 10_000
/** Looks are at most so many times rarer. */
const MOST = 16
/** Below this part of the bound it looks more often again. */
const CALM = 0.4

export class Restraint {
  /** How many times rarer than asked for the collectors look. */
  factor = 1
  private share = 0
  /** What a start costs says nothing of what comes after it. */
  private isStarting = true
  private before = process.cpuUsage()
  private at = performance.now()
  private readonly timer: ReturnType<typeof setInterval>

  /** `bound`: of one processor; 0 for none. */
  constructor(
    private readonly bound: number,
    private readonly log: (line: string) => void,
  ) {
    this.timer = setInterval(() => this.look(), LOOK_MS)
    this.timer.unref()
  }

  /** What it says beside the health of each collector while it holds itself back. */
  get note(): { message?: string; fix?: string } {
    if (this.factor === 1) return {}
    const percent = (value: number) => `${(value * 100).toFixed(1)} %`
    return {
      message: `looks ${this.factor} times more seldom: the agent took ${percent(this.share)} of a processor, its bound is ${percent(this.bound)}`,
      fix: 'raise --cpu-ratio or --interval-ms of the agent, or see which log is so long',
    }
  }

  close(): void {
    clearInterval(this.timer)
  }

  private look(): void {
    const now = performance.now()
    const { user, system } = process.cpuUsage(this.before)
    if (!this.isStarting) this.observe((user + system) / 1000 / (now - this.at))
    this.isStarting = false
    this.before = process.cpuUsage()
    this.at = now
  }

  /** A share of one processor was measured. */
  observe(share: number): void {
    this.share = share
    if (this.bound === 0) return
    const before = this.factor
    if (share > this.bound) this.factor = Math.min(MOST, this.factor * 2)
    else if (share < this.bound * CALM) this.factor = Math.max(1, this.factor / 2)
    if (before === 1 && this.factor > 1) this.log(this.note.message ?? '')
  }
}
