/** Stacks and frames of one answer under numbers of its own: only those that it names. */
import type { Named } from '../../wire/memory-snapshot'
import type { StackTable } from './stacks'

/** Deeper frames are left off. */
const MOST_FRAMES = 64

export class Names {
  private readonly frames: Named['frames'] = []
  private readonly stacks: Named['stacks'] = []
  private readonly byStack = new Map<number, number>()
  private readonly byFrame = new Map<number, number>()

  constructor(private readonly all: StackTable) {}

  get named(): Named {
    return { frames: this.frames, stacks: this.stacks }
  }

  stack = (stack: number): number => {
    const known = this.byStack.get(stack)
    if (known !== undefined) return known
    const frames = Array.from(this.all.of(stack).subarray(0, MOST_FRAMES), frame => this.frame(frame))
    const number = this.stacks.push(frames) - 1
    this.byStack.set(stack, number)
    return number
  }
  private frame(frame: number): number {
    const known = this.byFrame.get(frame)
    if (known !== undefined) return known
    const number = this.frames.push(this.all.frames[frame] ?? { file: '??', line: 0, name: '??' }) - 1
    this.byFrame.set(frame, number)
    return number
  }
}
