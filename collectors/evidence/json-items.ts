/** Cuts a JSON text of any size into the elements of one long list and the other members, without holding the text. */

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d]
/** A larger element or member is left out. */
const MOST_ITEM_BYTES = 4 * 1024 * 1024

export interface JsonItemsOptions {
  /** The member of the outermost object whose elements are wanted; a text that is a list is that list itself. */
  readonly list: string
  /** The bytes of an element, good until it returns. */
  element(bytes: Buffer): void
  /** The bytes of another member of the outermost object. */
  member(name: string, bytes: Buffer): void
}

export class JsonItems {
  private depth = 0
  private inString = false
  private escaped = false
  /** The depth at which elements lie, once inside the list; 0 outside. */
  private listDepth = 0
  private key = ''
  private capturing = false
  private held: Buffer[] = []
  private heldBytes = 0
  /** Elements and members that were too large. */
  left = 0

  constructor(private readonly options: JsonItemsOptions) {}

  push(chunk: Buffer): void {
    let start = 0
    const length = chunk.length
    for (let at = 0; at < length; at += 1) {
      const byte = chunk[at] ?? 0
      if (this.inString) {
        if (this.escaped) this.escaped = false
        else if (byte === BACKSLASH) this.escaped = true
        else if (byte === QUOTE) this.inString = false
        continue
      }
      if (byte > COLON && byte < OPEN_BRACKET) continue
      switch (byte) {
        case QUOTE:
          this.inString = true
          if (!this.capturing && this.depth === 1 && this.listDepth === 0) start = this.begin(at)
          break
        case OPEN_BRACE:
          if (this.listDepth !== 0 && this.depth === this.listDepth) start = this.begin(at)
          this.depth += 1
          break
        case OPEN_BRACKET:
          this.depth += 1
          if (this.depth === 1) this.listDepth = 1
          else if (this.depth === 2 && this.listDepth === 0 && this.key === this.options.list) this.enter()
          break
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          if (this.listDepth === 0 && this.depth === 1) this.finishMember(chunk, start, at)
          this.depth -= 1
          if (this.listDepth !== 0 && this.depth === this.listDepth) this.finishElement(chunk, start, at + 1)
          else if (this.depth < this.listDepth) this.leave()
          break
        case COLON:
          if (this.listDepth === 0 && this.depth === 1 && this.key === '') {
            this.key = keyOf(this.finish(chunk, start, at))
            start = this.begin(at + 1)
          }
          break
        case COMMA:
          if (this.listDepth === 0 && this.depth === 1) this.finishMember(chunk, start, at)
          break
      }
    }
    if (this.capturing) this.hold(Buffer.from(chunk.subarray(start)))
  }

  private begin(at: number): number {
    this.capturing = true
    this.held = []
    this.heldBytes = 0
    return at
  }
  private enter(): void {
    this.capturing = false
    this.listDepth = 2
  }
  private leave(): void {
    this.listDepth = 0
    this.key = ''
  }
  private hold(bytes: Buffer): void {
    this.heldBytes += bytes.length
    if (this.heldBytes <= MOST_ITEM_BYTES) this.held.push(bytes)
    else this.held = []
  }
  /** Where the capture began in an earlier chunk, `start` is 0: what is held goes before. */
  private finish(chunk: Buffer, start: number, end: number): Buffer | undefined {
    if (!this.capturing) return undefined
    this.capturing = false
    const last = chunk.subarray(start, end)
    if (this.heldBytes + last.length > MOST_ITEM_BYTES) {
      this.left += 1
      return undefined
    }
    return this.heldBytes === 0 ? last : Buffer.concat([...this.held, last])
  }
  private finishElement(chunk: Buffer, start: number, end: number): void {
    const bytes = this.finish(chunk, start, end)
    if (bytes !== undefined) this.options.element(bytes)
  }
  private finishMember(chunk: Buffer, start: number, end: number): void {
    const bytes = this.finish(chunk, start, end)
    if (bytes !== undefined && this.key !== '') this.options.member(this.key, bytes)
    this.key = ''
  }
}

function keyOf(bytes: Buffer | undefined): string {
  const text = bytes?.toString('utf8') ?? ''
  return text.slice(text.indexOf('"') + 1, text.lastIndexOf('"'))
}
