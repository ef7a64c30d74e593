/**
 * Memory for the block that is being written, used again for the next: fresh megabytes for each would cost more in page
 * faults and collections than what is laid into them.
 */
const FIRST_BYTES = 1 << 20
const ALIGN = 8

export class Arena {
  private memory = new ArrayBuffer(FIRST_BYTES)
  private used = 0
  /** Asked for since the last `clear`, whether it fitted or not. */
  private wanted = 0

  /** What was handed out is no longer used. */
  clear(): void {
    if (this.wanted > this.memory.byteLength) this.memory = new ArrayBuffer(this.wanted * 2)
    this.used = 0
    this.wanted = 0
  }

  private place(bytes: number): { memory: ArrayBuffer; at: number } {
    const size = Math.ceil(bytes / ALIGN) * ALIGN
    this.wanted += size
    if (this.used + size > this.memory.byteLength) return { memory: new ArrayBuffer(size), at: 0 }
    const at = this.used
    this.used += size
    return { memory: this.memory, at }
  }

  /** Zeros. */
  bytes(length: number): Uint8Array {
    const { memory, at } = this.place(length)
    return new Uint8Array(memory, at, length).fill(0)
  }

  /** Whatever was there: to be written in full. */
  floats(length: number): Float64Array {
    const { memory, at } = this.place(length * 8)
    return new Float64Array(memory, at, length)
  }

  /** Zeros. */
  words(length: number): Uint32Array {
    const { memory, at } = this.place(length * 4)
    return new Uint32Array(memory, at, length).fill(0)
  }
}
