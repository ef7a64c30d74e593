/** Python and C++ stacks of a memory snapshot, each frame and each stack once: thousands of them where a trace has millions. */
import { PlumblineError } from '../../base/errors'
import { PickleDict, type PickleList } from '../pickle/read'
import { numberIn, textIn } from './tree'

export interface Frame {
  readonly file: string
  readonly line: number
  readonly name: string
}

/** Frames below are left off: a recursion without end says nothing more. */
const MOST_FRAMES = 256
const MOST_STACKS = 2_000_000
const MOST_NAME = 300

/** Stacks by number; 0 is the empty one. */
export interface StackTable {
  /** All different frames. */
  readonly frames: readonly Frame[]
  readonly count: number
  /** The numbers of a stack's frames, innermost first. */
  of(stack: number): Uint32Array
}

export class Stacks implements StackTable {
  readonly frames: Frame[] = []
  private readonly frameNumbers = new Map<string, number>()
  private readonly stacks: Uint32Array[] = [new Uint32Array()]
  private readonly byHash = new Map<number, number | number[]>()
  private readonly scratch = new Uint32Array(MOST_FRAMES)

  of(stack: number): Uint32Array {
    return this.stacks[stack] ?? new Uint32Array()
  }
  get count(): number {
    return this.stacks.length
  }

  /** The number of a stack, innermost frame first; 0 is the empty one. */
  numberOf(list: PickleList): number {
    let length = 0
    let hash = 0
    for (const frame of list) {
      if (length === MOST_FRAMES) break
      const number = frame instanceof PickleDict ? this.frameOf(frame) : undefined
      if (number === undefined) continue
      this.scratch[length] = number
      length += 1
      hash = (Math.imul(hash, 0x01000193) ^ number) | 0
    }
    return length === 0 ? 0 : this.interned(hash, this.scratch.subarray(0, length))
  }

  private interned(hash: number, frames: Uint32Array): number {
    const known = this.byHash.get(hash)
    const candidates = known === undefined ? [] : typeof known === 'number' ? [known] : known
    const same = candidates.find(number => equal(this.of(number), frames))
    if (same !== undefined) return same
    if (this.stacks.length >= MOST_STACKS)
      throw new PlumblineError(`more than ${MOST_STACKS} different stacks in a memory snapshot`, {
        fix: 'dump fewer entries: max_entries of torch.cuda.memory._record_memory_history',
      })
    const number = this.stacks.push(frames.slice()) - 1
    this.byHash.set(hash, known === undefined ? number : [...candidates, number])
    return number
  }

  private frameOf(frame: PickleDict): number | undefined {
    if (frame.tag >= 0) return frame.tag
    const file = textIn(frame, 'filename')
    const name = textIn(frame, 'name')
    if (file === undefined && name === undefined) return undefined
    const made = {
      file: (file ?? '??').slice(-MOST_NAME),
      line: numberIn(frame, 'line') ?? 0,
      name: (name ?? '??').slice(0, MOST_NAME),
    }
    const key = `${made.file}:${made.line}:${made.name}`
    const number = this.frameNumbers.get(key) ?? this.frames.push(made) - 1
    this.frameNumbers.set(key, number)
    frame.tag = number
    return number
  }
}

function equal(one: Uint32Array, other: Uint32Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false
  return true
}
