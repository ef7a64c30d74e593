/** What a pickle is read into, what it weighs, and the few names that it may call. */
import { PlumblineError } from '../../base/errors'
import { bad } from './window'

export type PickleKey = string | number | bigint | boolean | null
export type PickleValue = PickleKey | Uint8Array | PickleList | Set<PickleValue> | PickleDict

/** A list or tuple. */
export class PickleList extends Array<PickleValue> {
  /** What is made of a list by `map` and the like is no list of the pickle. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }

  /** Where the memo holds it; -1: nowhere. */
  memo = -1
}
export class PickleDict extends Map<PickleKey, PickleValue> {
  memo = -1
  /** For whoever watches the reading: a number of their own for what they have seen; -1: not seen. */
  tag = -1
}

/** `first`: what it was given is what it gives. `encode`: the bytes of a text, as protocol 2 writes them. */
export type Builder = 'map' | 'set' | 'first' | 'encode'
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
export class Constructor {
  constructor(readonly builds: Builder) {}
}

/** Throws where the name is none that builds a plain container. */
export function constructorNamed(module: string, name: string): Constructor {
  const full = `${module}.${name}`
  const builds = BUILDERS.get(full)
  if (builds !== undefined) return new Constructor(builds)
  throw new PlumblineError(`the pickle names ${full.slice(0, 200)}, which is not read`, {
    fix: 'dump plain dicts, lists, numbers and texts',
  })
}

/** Bytes of memory that values take in V8 without pointer compression, as measured; what is not counted singly is counted high. */
export const WEIGHT = {
  list: 88,
  item: 28,
  dict: 88,
  set: 72,
  member: 28,
  number: 32,
  text: 24,
  bytes: 200,
  integer: 96,
} as const
/** Of the stack, whose slots may be numbers of their own and which is copied when it grows, and of the memo. */
export const SLOT = { stack: 40, memo: 8 } as const
/** An array makes room for four at once, and then for half as many more and sixteen. */
const GROWN = 128

export const listWeight = (length: number): number =>
  length <= 4 ? WEIGHT.list + WEIGHT.item * length : WEIGHT.list + WEIGHT.item * length + GROWN
/** Tables of maps and sets have room for a power of two. */
const room = (size: number) => (size <= 4 ? 4 : 2 ** Math.ceil(Math.log2(size)))
export const dictWeight = (size: number): number => WEIGHT.dict + WEIGHT.member * room(size) + WEIGHT.number * size
export const setWeight = (size: number): number => WEIGHT.set + WEIGHT.member * room(size) + WEIGHT.number * size
/** `bytes`: of its UTF-8. What is not ASCII may take two bytes a character. */
export const textWeight = (text: string, bytes: number): number =>
  WEIGHT.text + (bytes === text.length ? text.length : 2 * text.length)

/** Characters of a text in a tuple that is a key: the key is copied at each use. */
const MOST_KEY_CHARACTERS = 1024
const MOST_KEY_ITEMS = 64

function isKey(value: PickleValue): value is PickleKey {
  return typeof value !== 'object' || value === null
}

/** A tuple as a key (a stack of frames, say) is told by its JSON. */
export function keyOf(value: PickleValue): PickleKey {
  if (isKey(value)) return value
  const short = (item: PickleValue) => isKey(item) && (typeof item !== 'string' || item.length <= MOST_KEY_CHARACTERS)
  if (Array.isArray(value) && value.length <= MOST_KEY_ITEMS && value.every(short))
    return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item))
  throw bad('a key of a dict that is neither plain nor a short flat tuple')
}
