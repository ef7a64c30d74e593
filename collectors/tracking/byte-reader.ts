/** Exact counts of bytes from chunks of any size; what is skipped is never held. */
export class ByteReader {
  private readonly chunks: AsyncIterator<Buffer>
  private held: Buffer[] = []
  private bytes = 0

  constructor(chunks: AsyncIterable<Buffer>) {
    this.chunks = chunks[Symbol.asyncIterator]()
  }

  /** The next bytes, fewer of them at the end, none after it. */
  async upTo(count: number): Promise<Buffer> {
    while (this.bytes < count && (await this.more()));
    const whole = this.held.length === 1 ? (this.held[0] ?? Buffer.alloc(0)) : Buffer.concat(this.held)
    const taken = whole.subarray(0, count)
    this.held = [whole.subarray(taken.length)]
    this.bytes -= taken.length
    return taken
  }

  /** The next bytes; undefined where fewer are left. */
  async take(count: number): Promise<Buffer | undefined> {
    const taken = await this.upTo(count)
    return taken.length === count ? taken : undefined
  }

  /** False where fewer are left. */
  async skip(count: number): Promise<boolean> {
    let left = count
    while (left > this.bytes) {
      left -= this.bytes
      this.held = []
      this.bytes = 0
      if (!(await this.more())) return false
    }
    await this.upTo(left)
    return true
  }

  private async more(): Promise<boolean> {
    const next = await this.chunks.next()
    if (next.done === true) return false
    this.held.push(next.value)
    this.bytes += next.value.length
    return true
  }
}
