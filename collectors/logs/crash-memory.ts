/** What kind of event a message about memory is: a device or a host that ran out, one that was caught, mere pressure, or none. */
import type { RecordOf } from '../../wire/records'
import { operationOf } from '../evidence/operation'
import { figuresIn, placeIn } from './crash-figures'
import { ADVICE, CAUGHT, DEVICE, HOST, OTHER, PRESSURE, WORTH } from './memory-words'

type Event = RecordOf<'event'>

function kindOf(text: string): string | undefined {
  if (PRESSURE.test(text)) return 'memory-pressure'
  if (OTHER.test(text)) return undefined
  const type = HOST.test(text) ? 'host-oom' : DEVICE.test(text) ? 'oom' : undefined
  return type !== undefined && CAUGHT.test(text) ? 'oom-retried' : type
}

/** Whether the text says that memory ran out, or that somebody caught it. */
export const saysMemory = (text: string): boolean => WORTH.test(text) && readOutOfMemory(text, undefined) !== undefined

/** Undefined where the text speaks of no memory that ran out. `rank` comes from the line's prefix. */
export function readOutOfMemory(text: string, rank: number | undefined): Event | undefined {
  if (!WORTH.test(text)) return undefined
  const type = kindOf(text)
  if (type === undefined) return undefined
  const figures = figuresIn(text)
  // An error of a device says how much it asked for, or is raised; advice does neither.
  if (
    type !== 'host-oom' &&
    figures.requestedBytes === undefined &&
    !/^[\w.]{1,200}(?:Error|Exception)\b/.test(text) &&
    ADVICE.test(text)
  )
    return undefined
  return { kind: 'event', type, rank, message: text, ...placeIn(text, type), ...figures }
}

const NCCL = /Watchdog caught collective operation timeout: |ProcessGroupNCCL's watchdog got stuck for \d/
const GLOO = /gloo\/transport\/\S{1,100}\] Timed out waiting \d{1,12}ms for/

/** `WorkNCCL(SeqNum=21, OpType=ALLREDUCE, …)`, and from torch 2.3 on `[PG ID 3 PG GUID 5(dp_group) Rank 1]` before it. */
const WORK = /WorkNCCL\(SeqNum=(\d{1,15}), OpType=(\w{1,40})/
const GROUP = /\[PG (?:ID )?(\d{1,9})(?: PG GUID [^ (]{1,60}\(([^)]{1,80})\))?/

export function readTimeout(text: string, rank: number | undefined): Event | undefined {
  const type = NCCL.test(text) ? 'nccl-timeout' : GLOO.test(text) ? 'gloo-timeout' : undefined
  if (type === undefined) return undefined
  const [, sequence, operation] = WORK.exec(text) ?? []
  const [, number, description] = GROUP.exec(text) ?? []
  return {
    kind: 'event',
    type,
    rank: placeIn(text, type).rank ?? rank,
    message: text,
    operation: operation === undefined ? undefined : (operationOf(operation) ?? operation.toLowerCase()),
    collectiveSequence: sequence === undefined ? undefined : Number(sequence),
    group: description ?? (number === undefined ? undefined : `PG ${number}`),
  }
}
