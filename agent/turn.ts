/**
 * When an agent sends what it gathered: once each pace, at a moment of its own. Agents that began together, with a job or with
 * a hub that came back, would else all send in the same moment of each pace, and the hub be idle between.
 */
export class Turn {
  private number = NaN

  /** `phase`: where in the pace its moment is, from 0 to 1. */
  constructor(private readonly phase = Math.random()) {}

  /** Whether its moment came since it was last taken, which it is then. `now` and `pace`: seconds; another pace begins at once. */
  take(now: number, pace: number): boolean {
    const number = Math.floor(now / pace + this.phase)
    const isNew = number !== this.number
    this.number = number
    return isNew
  }
}
