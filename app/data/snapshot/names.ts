/** Who asked for memory, from the stacks of an answer. Pure. */
import type { Named } from '../../../wire/memory-snapshot'

type Frame = Named['frames'][number]

const isPython = ({ file }: Frame) => file.endsWith('.py')
/** Not of PyTorch, of another library, of Python itself or of our hook. */
const isOfJob = (frame: Frame) =>
  isPython(frame) && !/[\\/](?:site|dist)-packages[\\/]|[\\/]lib[\\/]python3|plumbline_hook\.py$/.test(frame.file)
/** What records the stack, allocates, or hands a call on from kernel to kernel says nothing of who asked. */
const isPlumbing = ({ name }: Frame) =>
  /unwind|CapturedTraceback|gather_with_cpp|CachingAllocator|^c10::|^at::|VariableType/.test(name)
/** Of a name of C++ without its arguments. */
const shortName = ({ name }: Frame) => name.replaceAll('(anonymous namespace)::', '').replace(/\(.*$/s, '')
const baseName = (file: string) => file.slice(file.lastIndexOf('/') + 1)

/** Who asked: the innermost Python frame, or the innermost that is of the job itself, of no library. */
export type CallerOf = 'frame' | 'job'

const framesOf = ({ frames, stacks }: Named, stack: number): Frame[] =>
  (stacks[stack] ?? []).flatMap(frame => frames[frame] ?? [])

/**
 * `file.py:12 function`; of a stack without Python (the thread of backward) the function alone. What is said where no stack was
 * recorded: recording began after it.
 */
export function callerText(named: Named, stack: number, by: CallerOf = 'frame'): string {
  const own = framesOf(named, stack)
  const caller = (by === 'job' ? own.find(isOfJob) : undefined) ?? own.find(isPython)
  if (caller !== undefined) return `${baseName(caller.file)}:${caller.line} ${caller.name}`
  const [inner] = own
  if (inner === undefined) return 'no stack: from before the recording'
  return shortName(own.find(frame => !isPlumbing(frame)) ?? inner)
}

/** Frames of a stack, innermost first; those of Python alone where there are some, unless all are asked for. */
export function stackLines(named: Named, stack: number, all: boolean): string[] {
  const own = framesOf(named, stack)
  const python = own.filter(isPython)
  return (all || python.length === 0 ? own : python).map(({ name, file, line }) => `${name}  ${file}:${line}`)
}

/** Whether a frame of a stack holds this text, as the hub searches. */
export function isFound(named: Named, stack: number, text: string): boolean {
  const sought = text.toLowerCase()
  return framesOf(named, stack).some(({ name, file, line }) => `${name} ${file}:${line}`.toLowerCase().includes(sought))
}
