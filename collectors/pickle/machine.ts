/**
 * The machine that a pickle is a program for, protocols 0 to 5: a stack, a memo, and opcodes that make plain values.
 * Nothing is imported and nothing is called. It takes bytes in chunks, and what it holds at any time is bounded.
 * https://github.com/python/cpython/blob/main/Lib/pickletools.py describes the opcodes.
 */
import { PlumblineError } from '../../base/errors'
import { Memo } from './memo'
import {
  Constructor,
  constructorNamed,
  dictWeight,
  keyOf,
  listWeight,
  PickleDict,
  PickleList,
  setWeight,
  SLOT,
  textWeight,
  WEIGHT,
  type PickleValue,
} from './values'
import { bad, STARVED, Window } from './window'

/** Takes out of the reading what it wants in another shape, so that it need not be held as a whole. */
export interface PickleWatcher {
  /** A dict that is about to be put into a list. True: it is taken; the list goes without it, and nobody may name it again. */
  take(dict: PickleDict, list: PickleList): boolean
  /** What stands, from now on and wherever it is named, for a list under this key of a dict; undefined: the list itself. */
  replace(key: string, list: PickleList): PickleValue | undefined
}
export interface PickleLimits {
  /** Bytes of memory that what was read may take, by estimate. */
  readonly heldBytes: number
}

/** In place of a dict that somebody has taken. */
const TAKEN = Symbol('taken')
/** In place of a number in the memo: it is let go of once only. */
const RELEASED = -2
type Slot = PickleValue | Constructor | typeof TAKEN
/** A Map or Set of JavaScript holds 2^24 at most. */
const MOST_MEMBERS = 16_000_000
/** Between two looks at the length of stack and memo: each opcode adds at most one slot to either. */
const SLICE_BYTES = 256 * 1024

export class Machine {
  private readonly window = new Window()
  private readonly stack: Slot[] = []
  /** Lengths of the stack at its open marks. */
  private readonly marks: number[] = []
  private readonly memo = new Memo<Slot>()
  private held = 0
  private result: PickleValue | undefined

  constructor(
    private readonly limits: PickleLimits,
    private readonly watcher?: PickleWatcher,
  ) {}

  /** Reads on. Bytes behind the end of the pickle are left alone. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.result === undefined; at += SLICE_BYTES) {
      if (this.window.push(chunk.subarray(at, at + SLICE_BYTES))) this.run()
      this.hold(0)
    }
  }
  /** The whole value. Throws where the pickle has no end. */
  end(): PickleValue {
    if (this.result !== undefined) return this.result
    this.window.end()
    throw bad('it ends too early')
  }

  private run(): void {
    try {
      while (this.result === undefined) this.step()
    } catch (error) {
      if (error !== STARVED) throw error
      this.window.rewind()
    }
  }

  private hold(bytes: number): void {
    this.held += bytes
    const slots = SLOT.stack * (this.stack.length + this.marks.length) + SLOT.memo * this.memo.length
    if (this.held + slots > this.limits.heldBytes)
      throw new PlumblineError(`the pickle takes more than ${this.limits.heldBytes} bytes of memory`, {
        fix: 'dump fewer entries: max_entries of torch.cuda.memory._record_memory_history, TORCH_FR_BUFFER_SIZE of NCCL dumps',
      })
  }

  /** One opcode. Operands are read before anything changes: whatever starves can be done again. */
  private step(): void {
    const { window } = this
    const opcode = window.opcode()
    switch (opcode) {
      case 0x68: // h BINGET
        return this.recall(window.u8())
      case 0x6a: // j LONG_BINGET
        return this.recall(window.u32())
      case 0x94: // MEMOIZE
        return this.remember(this.memo.length)
      case 0x4b: // K BININT1
        return this.push1(window.u8())
      case 0x4d: // M BININT2
        return this.push1(window.u16())
      case 0x4a: // J BININT
        return this.push1(window.i32())
      case 0x8a: // LONG1
        return this.push1(window.integer(window.length(1)))
      case 0x8b: // LONG4
        return this.push1(window.integer(window.length(4)))
      case 0x8c: // SHORT_BINUNICODE
        return this.text(window.length(1))
      case 0x58: // X BINUNICODE
        return this.text(window.length(4))
      case 0x8d: // BINUNICODE8
        return this.text(window.length(8))
      case 0x28: // ( MARK
        return void this.marks.push(this.stack.length)
      case 0x5d: // ] EMPTY_LIST
      case 0x29: // ) EMPTY_TUPLE
        return this.list([])
      case 0x7d: // } EMPTY_DICT
        return this.dict()
      case 0x65: // e APPENDS
      case 0x75: // u SETITEMS
      case 0x90: {
        // ADDITEMS
        const values = this.sinceMark()
        return this.fill(this.stack.at(-1), values)
      }
      case 0x61: // a APPEND
        return this.fill(this.stack.at(-2), this.last(1))
      case 0x73: // s SETITEM
        return this.fill(this.stack.at(-3), this.last(2))
      case 0x71: // q BINPUT
        return this.remember(window.u8())
      case 0x72: // r LONG_BINPUT
        return this.remember(window.u32())
      case 0x4e: // N NONE
        return this.push1(null)
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        return this.push1(opcode === 0x88)
      case 0x47: // G BINFLOAT
        return this.push1(window.double())
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.list(this.last(opcode - 0x84))
      case 0x74: // t TUPLE
      case 0x6c: // l LIST
        return this.list(this.sinceMark())
      case 0x95: // FRAME
        return void window.skip(8)
      case 0x80: // PROTO
        return void window.skip(1)
      case 0x2e: // . STOP
        return void (this.result = this.value(this.pop()))
      default:
        return this.seldom(opcode)
    }
  }

  private seldom(opcode: number): void {
    const { window } = this
    switch (opcode) {
      case 0x49: // I INT
      case 0x4c: // L LONG
        return this.push1(window.decimal())
      case 0x46: // F FLOAT
        return this.push1(Number(window.line()))
      case 0x43: // C SHORT_BINBYTES
        return this.bytes(window.copy(window.length(1)))
      case 0x42: // B BINBYTES
        return this.bytes(window.copy(window.length(4)))
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.bytes(window.copy(window.length(8)))
      case 0x8f: // EMPTY_SET
        return this.set([])
      case 0x91: // FROZENSET
        return this.set(this.sinceMark())
      case 0x64: {
        // d DICT
        const values = this.sinceMark()
        this.dict()
        return this.fill(this.stack.at(-1), values)
      }
      case 0x70: // p PUT
        return this.remember(Number(window.line()))
      case 0x67: // g GET
        return this.recall(Number(window.line()))
      case 0x30: // 0 POP
        return void this.pop()
      case 0x31: // 1 POP_MARK
        return void this.sinceMark()
      case 0x32: // 2 DUP
        return this.push1(this.value(this.stack.at(-1)))
      case 0x63: // c GLOBAL
        return this.push1(constructorNamed(window.line(), window.line()))
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.last(2)
        return this.push1(constructorNamed(String(module).slice(0, 200), String(name).slice(0, 200)))
      }
      case 0x52: // R REDUCE
        return this.build()
      default:
        throw bad(`opcode 0x${opcode.toString(16).padStart(2, '0')} at byte ${window.position}`)
    }
  }

  private push1(slot: Slot): void {
    this.stack.push(slot)
    if (typeof slot === 'bigint') this.hold(WEIGHT.integer)
  }
  private pop(): Slot {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw bad('nothing on the stack')
    return this.stack.pop() ?? null
  }
  private value(slot: Slot | undefined): PickleValue {
    if (slot === undefined || slot instanceof Constructor || slot === TAKEN) throw bad('a value was expected')
    return slot
  }
  private last(count: number): PickleValue[] {
    const values = Array.from({ length: count }, () => this.value(this.pop()))
    return values.reverse()
  }
  private sinceMark(): PickleValue[] {
    const mark = this.marks.pop()
    if (mark === undefined) throw bad('no mark on the stack')
    const slots = this.stack.splice(mark)
    return slots.every(isValue) ? slots : slots.map(slot => this.value(slot))
  }

  private text(bytes: number): void {
    const text = this.window.text(bytes)
    this.hold(textWeight(text, bytes))
    this.stack.push(text)
  }
  private bytes(bytes: Buffer): void {
    this.hold(WEIGHT.bytes + bytes.length)
    this.stack.push(bytes)
  }
  private list(values: readonly PickleValue[]): void {
    this.hold(listWeight(values.length))
    const list = new PickleList()
    for (const value of values) list.push(value)
    this.stack.push(list)
  }
  private dict(): void {
    this.hold(dictWeight(0))
    this.stack.push(new PickleDict())
  }
  private set(values: readonly PickleValue[]): void {
    this.hold(setWeight(0))
    const set = new Set<PickleValue>()
    this.fill(set, values)
    this.stack.push(set)
  }

  private fill(into: Slot | undefined, values: readonly PickleValue[]): void {
    if (into instanceof PickleList) this.append(into, values)
    else if (into instanceof PickleDict && values.length % 2 === 0) this.setItems(into, values)
    else if (into instanceof Set) {
      if (into.size + values.length > MOST_MEMBERS) throw bad('a set of too many members')
      const before = into.size
      for (const value of values) into.add(value)
      this.hold(setWeight(into.size) - setWeight(before))
    } else throw bad('items for something that is no container')
  }
  private append(list: PickleList, values: readonly PickleValue[]): void {
    const before = list.length
    for (const value of values) {
      if (value instanceof PickleDict && this.watcher?.take(value, list) === true) this.release(value, TAKEN)
      else list.push(value)
    }
    this.hold(listWeight(list.length) - listWeight(before))
  }
  private setItems(dict: PickleDict, values: readonly PickleValue[]): void {
    const before = dict.size
    for (let at = 0; at < values.length; at += 2) {
      const key = keyOf(values[at] ?? null)
      // A tuple's key is a text of its own.
      if (typeof key === 'string' && key !== values[at]) this.hold(textWeight(key, 2 * key.length))
      const value = values[at + 1] ?? null
      dict.set(key, typeof key === 'string' && value instanceof PickleList ? this.listUnder(key, value) : value)
    }
    if (dict.size > MOST_MEMBERS) throw bad('a dict of too many members')
    this.hold(dictWeight(dict.size) - dictWeight(before))
  }
  private listUnder(key: string, list: PickleList): PickleValue {
    const other = this.watcher?.replace(key, list)
    if (other === undefined) return list
    this.release(list, other)
    return other
  }
  /** Lets go of what somebody has taken. */
  private release(value: PickleList | PickleDict, other: Slot): void {
    if (value.memo === RELEASED) return
    this.held -= value instanceof PickleList ? listWeight(value.length) : dictWeight(value.size)
    if (value.memo >= 0) this.memo.set(value.memo, other)
    value.memo = RELEASED
  }

  private remember(index: number): void {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw bad('nothing to remember')
    const slot = this.stack.at(-1) ?? null
    // Whoever writes a memo counts up; a few numbers may have been left out.
    if (!Number.isSafeInteger(index) || index < 0 || index > this.memo.length + SLICE_BYTES)
      throw bad(`memo ${index} after ${this.memo.length} of them`)
    if (index > this.memo.length) this.hold(SLOT.memo * (index - this.memo.length))
    this.memo.set(index, slot)
    if (slot instanceof PickleList || slot instanceof PickleDict) slot.memo = index
  }
  private recall(index: number): void {
    const slot = this.memo.get(index)
    if (slot === undefined) throw bad(`memo ${index} is empty`)
    this.stack.push(slot)
  }

  private build(): void {
    const [items] = this.last(1)
    const constructor = this.pop()
    if (!(constructor instanceof Constructor) || !(items instanceof PickleList)) throw bad('a call of something else')
    const given = items[0]
    if (constructor.builds === 'first') return this.push1(given ?? new PickleList())
    if (constructor.builds === 'encode') {
      if (typeof given !== 'string') throw bad('bytes that are no text')
      return this.bytes(Buffer.from(given, 'latin1'))
    }
    if (items.length > 1 || (given !== undefined && !(given instanceof PickleList)))
      throw bad('arguments of a constructor')
    // One list copied again and again costs time also where it adds no members.
    this.hold(WEIGHT.member * (given?.length ?? 0))
    if (constructor.builds === 'set') return this.set(given ?? [])
    this.dict()
    this.fill(this.stack.at(-1), (given ?? []).flatMap(pairOf))
  }
}

const isValue = (slot: Slot): slot is PickleValue => slot !== TAKEN && !(slot instanceof Constructor)

function pairOf(pair: PickleValue): PickleValue[] {
  if (pair instanceof PickleList && pair.length === 2) return [pair[0] ?? null, pair[1] ?? null]
  throw bad('arguments of a constructor')
}
