/** What may flow at a rate: credited by the second, up to so many seconds of it, which may come at once. */
export class Bucket {
  private credit: number
  private at = performance.now()

  constructor(
    private readonly perSecond: number,
    private readonly seconds: number,
  ) {
    this.credit = perSecond * seconds
  }

  /** Takes it where there is any credit left: one large piece may overdraw it. */
  take(amount: number): boolean {
    const now = performance.now()
    this.credit = Math.min(this.perSecond * this.seconds, this.credit + ((now - this.at) / 1000) * this.perSecond)
    this.at = now
    if (this.credit <= 0) return false
    this.credit -= amount
    return true
  }
}
