/**
 * Python pickles, protocols 2 to 5, as data: nothing is imported and nothing is called. Containers that Python builds
 * through a constructor are known by name; any other name is an error that tells it.
 * https://github.com/python/cpython/blob/main/Lib/pickletools.py describes the opcodes.
 */
import { PlumblineError } from '../../base/errors'

export type PickleKey = string | number | bigint | boolean | null
export type PickleValue = PickleKey | Uint8Array | PickleValue[] | Set<PickleValue> | Map<PickleKey, PickleValue>

/** `first`: what it was given is what it gives. `encode`: the bytes of a text, as protocol 2 writes them. */
type Builder = 'map' | 'set' | 'first' | 'encode'
const BUILDERS: ReadonlyMap<string, Builder> = new Map([
  ['collections.OrderedDict', 'map'],
  ['builtins.dict', 'map'],
  ['builtins.set', 'set'],
  ['builtins.frozenset', 'set'],
  ['__builtin__.set', 'set'],
  ['__builtin__.frozenset', 'set'],
  ['builtins.bytearray', 'first'],
  ['__builtin__.bytearray', 'first'],
  ['_codecs.encode', 'encode'],
  // torch's own pickler tags lists with their type: torch/csrc/jit/serialization/pickler.cpp
  ['torch.jit._pickle.restore_type_tag', 'first'],
  ['torch.jit._pickle.build_intlist', 'first'],
  ['torch.jit._pickle.build_doublelist', 'first'],
  ['torch.jit._pickle.build_boollist', 'first'],
])
class Constructor {
  constructor(readonly builds: Builder) {}
}
const MARK = Symbol('mark')
type Slot = PickleValue | Constructor | typeof MARK

/** An integer of more bytes is an attack on the time of its conversion. */
const MOST_INTEGER_BYTES = 64
const MOST_LINE_BYTES = 4096
/** Characters of a text in a tuple that is a key: the key is copied at each use. */
const MOST_KEY_CHARACTERS = 1024
const MOST_KEY_ITEMS = 64

export interface PickleLimits {
  /** Items put into containers and remembered, in all: some 60 bytes each. */
  readonly items: number
}
const LIMITS: PickleLimits = { items: 24_000_000 }
/** A Map or Set of JavaScript holds 2^24 at most. */
const MOST_MEMBERS = 16_000_000

const bad = (what: string): PlumblineError =>
  new PlumblineError(`not a pickle that can be read: ${what}`, {
    fix: 'write the dump again; it may have been cut off',
  })

function isKey(slot: Slot | undefined): slot is PickleKey {
  return slot === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof slot)
}

/** A tuple as a key (a stack of frames, say) is told by its JSON. */
function keyOf(slot: Slot): PickleKey {
  if (isKey(slot)) return slot
  const short = (item: PickleValue) => isKey(item) && (typeof item !== 'string' || item.length <= MOST_KEY_CHARACTERS)
  if (Array.isArray(slot) && slot.length <= MOST_KEY_ITEMS && slot.every(short))
    return JSON.stringify(slot, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  throw bad('a key of a dict that is neither plain nor a short flat tuple')
}

const plainInteger = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value

class Machine {
  private at = 0
  private readonly stack: Slot[] = []
  private readonly memo = new Map<number, Slot>()
  private items = 0

  constructor(
    private readonly bytes: Buffer,
    private readonly limits: PickleLimits,
  ) {}

  run(): PickleValue {
    for (;;) {
      const op = String.fromCharCode(this.bytes.readUInt8(this.skip(1)))
      if (op === '.') return this.value(this.pop())
      if (!this.literal(op) && !this.container(op) && !this.bookkeeping(op))
        throw bad(`opcode ${JSON.stringify(op)} at byte ${this.at - 1}`)
    }
  }

  /** A container can be named again and again in two bytes: what is copied out of it is counted, not what is read. */
  private count(items: number): void {
    this.items += items
    if (this.items > this.limits.items)
      throw new PlumblineError(`the pickle holds more than ${this.limits.items} items`, {
        fix: 'dump fewer entries: max_entries of torch.cuda.memory._record_memory_history, TORCH_FR_BUFFER_SIZE of NCCL dumps',
      })
  }
  /** Where the next bytes begin. */
  private skip(count: number): number {
    if (count > this.bytes.length - this.at) throw bad('it ends too early')
    this.at += count
    return this.at - count
  }
  private take(count: number): Buffer {
    const begin = this.skip(count)
    return this.bytes.subarray(begin, begin + count)
  }
  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end === -1 || end - this.at > MOST_LINE_BYTES) throw bad('a line without end')
    return this.take(end + 1 - this.at)
      .toString('utf8')
      .slice(0, -1)
  }
  private length(width: 1 | 4 | 8): number {
    const field = this.take(width)
    const length = width === 8 ? Number(field.readBigUInt64LE()) : field.readUIntLE(0, width)
    if (length > this.bytes.length) throw bad(`a length of ${length}`)
    return length
  }
  private pop(): Slot {
    const slot = this.stack.pop()
    if (slot === undefined || slot === MARK) throw bad('nothing on the stack')
    return slot
  }
  private value(slot: Slot | undefined): PickleValue {
    if (slot === undefined || slot === MARK || slot instanceof Constructor) throw bad('a value was expected')
    return slot
  }
  private sinceMark(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK)
    if (mark === -1) throw bad('no mark on the stack')
    const values = this.stack.splice(mark).slice(1)
    return values.map(slot => this.value(slot))
  }
  private integer(count: number): number | bigint {
    if (count > MOST_INTEGER_BYTES) throw bad(`an integer of ${count} bytes`)
    const hex = Buffer.from(this.take(count)).reverse().toString('hex')
    return hex === '' ? 0 : plainInteger(BigInt.asIntN(count * 8, BigInt(`0x${hex}`)))
  }
  private decimal(text: string): PickleValue {
    if (text === '00' || text === '01') return text === '01'
    if (!/^-?\d{1,150}L?$/.test(text)) throw bad(`an integer ${JSON.stringify(text.slice(0, 40))}`)
    return plainInteger(BigInt(text.replace('L', '')))
  }
  private textOf(count: number): string {
    const begin = this.skip(count)
    return this.bytes.toString('utf8', begin, begin + count)
  }

  private literal(op: string): boolean {
    switch (op) {
      case 'N':
        return this.push(null)
      case '\x88':
      case '\x89':
        return this.push(op === '\x88')
      case 'I':
      case 'L':
        return this.push(this.decimal(this.line()))
      case 'J':
        return this.push(this.bytes.readInt32LE(this.skip(4)))
      case 'K':
        return this.push(this.bytes.readUInt8(this.skip(1)))
      case 'M':
        return this.push(this.bytes.readUInt16LE(this.skip(2)))
      case '\x8a':
        return this.push(this.integer(this.length(1)))
      case '\x8b':
        return this.push(this.integer(this.length(4)))
      case 'G':
        return this.push(this.bytes.readDoubleBE(this.skip(8)))
      case 'F':
        return this.push(Number(this.line()))
      case '\x8c':
        return this.push(this.textOf(this.length(1)))
      case 'X':
        return this.push(this.textOf(this.length(4)))
      case '\x8d':
        return this.push(this.textOf(this.length(8)))
      case 'C':
        return this.push(this.take(this.length(1)))
      case 'B':
        return this.push(this.take(this.length(4)))
      case '\x8e':
      case '\x96':
        return this.push(this.take(this.length(8)))
      default:
        return false
    }
  }

  private container(op: string): boolean {
    switch (op) {
      case '(':
        return this.push(MARK)
      case ']':
      case ')':
        return this.push([])
      case '}':
        return this.push(new Map())
      case '\x8f':
        return this.push(new Set())
      case 'l':
      case 't':
        return this.push(this.sinceMark())
      case '\x85':
      case '\x86':
      case '\x87':
        return this.push(this.last(op.charCodeAt(0) - 0x84))
      case '\x91':
        return this.fill(new Set(), this.sinceMark()) && this.push(this.filled)
      case 'd':
        return this.fill(new Map(), this.sinceMark()) && this.push(this.filled)
      case 'a':
        return this.fill(this.stack.at(-2), this.last(1))
      case 's':
        return this.fill(this.stack.at(-3), this.last(2))
      case 'e':
      case 'u':
      case '\x90': {
        const values = this.sinceMark()
        return this.fill(this.stack.at(-1), values)
      }
      default:
        return false
    }
  }

  private bookkeeping(op: string): boolean {
    switch (op) {
      case '\x80':
        return this.take(1).length > 0
      case '\x95':
        return this.take(8).length > 0
      case '\x94':
        return this.remember(this.memo.size)
      case 'q':
        return this.remember(this.bytes.readUInt8(this.skip(1)))
      case 'r':
        return this.remember(this.bytes.readUInt32LE(this.skip(4)))
      case 'p':
        return this.remember(Number(this.line()))
      case 'h':
        return this.recall(this.bytes.readUInt8(this.skip(1)))
      case 'j':
        return this.recall(this.bytes.readUInt32LE(this.skip(4)))
      case 'g':
        return this.recall(Number(this.line()))
      case '0':
        return this.stack.pop() !== undefined
      case '1':
        return this.sinceMark().length >= 0
      case '2':
        return this.push(this.value(this.stack.at(-1)))
      case 'c':
        return this.named(this.line(), this.line())
      case '\x93': {
        const [module, name] = this.last(2)
        return this.named(String(module), String(name))
      }
      case 'R':
        return this.build()
      default:
        return false
    }
  }

  private push(slot: Slot): true {
    this.count(1)
    this.stack.push(slot)
    return true
  }
  private last(count: number): PickleValue[] {
    const values = Array.from({ length: count }, () => this.value(this.pop()))
    return values.reverse()
  }
  private filled: PickleValue = null
  private fill(into: Slot | undefined, values: readonly PickleValue[]): true {
    if ((into instanceof Set || into instanceof Map) && into.size + values.length > MOST_MEMBERS)
      throw bad('a dict or set of too many members')
    if (Array.isArray(into)) for (const value of values) into.push(value)
    else if (into instanceof Set) for (const value of values) into.add(value)
    else if (into instanceof Map && values.length % 2 === 0)
      for (let at = 0; at < values.length; at += 2) into.set(keyOf(values[at] ?? null), values[at + 1] ?? null)
    else throw bad('items for something that is no container')
    this.filled = into
    return true
  }
  private remember(index: number): true {
    const slot = this.stack.at(-1)
    if (slot === undefined || slot === MARK) throw bad('nothing to remember')
    if (!this.memo.has(index)) this.count(1)
    if (this.memo.size >= MOST_MEMBERS) throw bad('too many values to remember')
    this.memo.set(index, slot)
    return true
  }
  private recall(index: number): true {
    const slot = this.memo.get(index)
    if (slot === undefined) throw bad(`memo ${index} is empty`)
    return this.push(slot)
  }
  private named(module: string, name: string): true {
    const builds = BUILDERS.get(`${module}.${name}`)
    if (builds !== undefined) return this.push(new Constructor(builds))
    throw new PlumblineError(`the pickle names ${`${module}.${name}`.slice(0, 200)}, which is not read`, {
      fix: 'dump plain dicts, lists, numbers and texts',
    })
  }
  private build(): true {
    const [items] = this.last(1)
    const constructor = this.pop()
    if (!(constructor instanceof Constructor) || !Array.isArray(items)) throw bad('a call of something else')
    const [given] = items
    if (constructor.builds === 'first') return this.push(given ?? [])
    if (constructor.builds === 'encode') {
      if (typeof given !== 'string') throw bad('bytes that are no text')
      this.count(given.length)
      return this.push(Buffer.from(given, 'latin1'))
    }
    this.count(Array.isArray(given) ? given.length : 0)
    if (items.length > 1 || (given !== undefined && !Array.isArray(given))) throw bad('arguments of a constructor')
    if (constructor.builds === 'set') return this.fill(new Set(), given ?? []) && this.push(this.filled)
    const pairs = (given ?? []).flatMap(pair => (Array.isArray(pair) && pair.length === 2 ? pair : [pair, null]))
    return this.fill(new Map(), pairs) && this.push(this.filled)
  }
}

/** What a whole pickle holds. Never executes anything; throws a PlumblineError on whatever it cannot read. */
export function readPickle(bytes: Buffer, limits: PickleLimits = LIMITS): PickleValue {
  return new Machine(bytes, limits).run()
}

/** Whether the beginning of a pickle holds this text as a value or key of its own. */
export function holdsText(bytes: Buffer, text: string): boolean {
  const held = Buffer.from(text)
  const long = Buffer.from([0x58, held.length, 0, 0, 0])
  const short = Buffer.from([0x8c, held.length])
  return isPickle(bytes) && [long, short].some(opcode => bytes.includes(Buffer.concat([opcode, held])))
}

function isPickle(bytes: Buffer): boolean {
  const protocol = bytes[1] ?? 0
  return bytes[0] === 0x80 && protocol >= 2 && protocol <= 5
}
