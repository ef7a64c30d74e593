/** Python pickles, protocols 0 to 5, as data: whole ones, or as they come. Never executes anything. */
import { Machine, type PickleLimits, type PickleWatcher } from './machine'
import type { PickleValue } from './values'

export type { PickleLimits, PickleWatcher } from './machine'
export { PickleDict, PickleList, type PickleKey, type PickleValue } from './values'

const LIMITS: PickleLimits = { heldBytes: 320 * 1024 ** 2 }

/** What a whole pickle holds. Throws a PlumblineError on whatever it cannot read. */
export function readPickle(bytes: Buffer, limits: PickleLimits = LIMITS): PickleValue {
  const machine = new Machine(limits)
  machine.push(bytes)
  return machine.end()
}

/** The same of bytes as they come; `watcher` takes what need not be held. */
export async function streamPickle(
  chunks: AsyncIterable<Buffer>,
  watcher: PickleWatcher,
  limits: PickleLimits = LIMITS,
): Promise<PickleValue> {
  const machine = new Machine(limits, watcher)
  for await (const chunk of chunks) machine.push(chunk)
  return machine.end()
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
