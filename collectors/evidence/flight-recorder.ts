/**
 * PyTorch's flight recorder: each rank's ring of the last collectives, with their state. Pure.
 * https://github.com/pytorch/pytorch/blob/main/torch/csrc/distributed/c10d/FlightRecorder.hpp
 */
import { ELEMENT_BYTES, operationOf } from './operation'
import { amountIn, frameText, listIn, member, numberIn, textIn, Visits } from './tree'

export interface Entry {
  /** Name and description of the process group: `0`, `default_pg`. */
  readonly group: string | undefined
  readonly groupDescription: string | undefined
  /** Position in the group's order of collectives; of point-to-point operations where `pointToPoint`. */
  readonly sequence: number | undefined
  readonly pointToPoint: boolean
  readonly operation: string | undefined
  readonly name: string
  readonly state: string | undefined
  readonly completed: boolean
  /** Unix seconds. */
  readonly created: number | undefined
  readonly started: number | undefined
  readonly ended: number | undefined
  /** On the device; only with TORCH_NCCL_ENABLE_TIMING. */
  readonly seconds: number | undefined
  readonly bytes: number | undefined
  readonly timeoutSeconds: number | undefined
  readonly at: string | undefined
}

export interface Dump {
  readonly version: string
  /** The rank that wrote it, where the dump says so; else it is in the file's name alone. */
  readonly rank: number | undefined
  readonly entries: readonly Entry[]
  /** Global ranks of each process group by its name. */
  readonly groups: ReadonlyMap<string, readonly number[]>
}

/** Bytes of all tensors together; absent where a type or a size is not known. */
function bytesOf(entry: unknown, side: 'input' | 'output', visits: Visits): number | undefined {
  const shapes = visits.each(listIn(entry, `${side}_sizes`))
  const types = listIn(entry, `${side}_dtypes`)
  let total = 0
  for (const [at, shape] of shapes.entries()) {
    // One type may stand for all tensors.
    const type = types[at] ?? (types.length === 1 ? types[0] : undefined)
    const element = typeof type === 'string' && Object.hasOwn(ELEMENT_BYTES, type) ? ELEMENT_BYTES[type] : undefined
    if (element === undefined || !Array.isArray(shape)) return undefined
    const elements = visits.each(shape as unknown[]).reduce<number>((product, n) => product * Number(n), 1)
    total += elements * element
  }
  return shapes.length > 0 && Number.isSafeInteger(total) && total >= 0 ? total : undefined
}

function secondsIn(entry: unknown, name: string): number | undefined {
  const nanoseconds = amountIn(entry, name)
  return nanoseconds === undefined || nanoseconds === 0 ? undefined : nanoseconds / 1e9
}

function frameOf(entry: unknown): string | undefined {
  const frames = listIn(entry, 'frames').slice(0, 256)
  return frameText(frames.find(frame => frameText(frame) !== undefined))
}

/** Names are texts; before version 2 a group was its number. */
function groupOf(entry: unknown): readonly [name: string | undefined, description: string | undefined] {
  const [name, description] = listIn(entry, 'process_group')
  const number = numberIn(entry, 'pg_id')
  const known = typeof name === 'string' ? name : number === undefined ? undefined : String(number)
  return [known?.slice(0, 200), typeof description === 'string' ? description.slice(0, 200) : undefined]
}

function readEntry(entry: unknown, visits: Visits): Entry | undefined {
  const name = textIn(entry, 'profiling_name')
  if (name === undefined) return undefined
  const [group, groupDescription] = groupOf(entry)
  const pointToPoint = member(entry, 'is_p2p') === true
  const state = textIn(entry, 'state')
  const milliseconds = amountIn(entry, 'duration_ms')
  const timeout = amountIn(entry, 'timeout_ms')
  return {
    group,
    groupDescription,
    sequence: numberIn(entry, pointToPoint ? 'p2p_seq_id' : 'collective_seq_id') ?? numberIn(entry, 'seq_id'),
    pointToPoint,
    operation: operationOf(name),
    name: name.slice(0, 200),
    state: state?.slice(0, 40),
    completed: state === 'completed' || secondsIn(entry, 'time_discovered_completed_ns') !== undefined,
    created: secondsIn(entry, 'time_created_ns'),
    started: secondsIn(entry, 'time_discovered_started_ns'),
    ended: secondsIn(entry, 'time_discovered_completed_ns'),
    seconds: milliseconds === undefined ? undefined : milliseconds / 1e3,
    bytes: bytesOf(entry, 'input', visits) ?? bytesOf(entry, 'output', visits),
    timeoutSeconds: timeout === undefined ? undefined : timeout / 1e3,
    at: frameOf(entry),
  }
}

/** Ranks are a list, or the text of one: `"[0, 1]"`. */
function ranksOf(value: unknown): number[] {
  const list = typeof value === 'string' ? value.slice(0, 1_000_000).match(/\d{1,9}/g) : value
  return Array.isArray(list) ? list.map(Number).filter(Number.isSafeInteger) : []
}

function membersOf(tree: unknown): [string, unknown][] {
  if (tree instanceof Map) return [...(tree as Map<unknown, unknown>)].map(([key, value]) => [String(key), value])
  return typeof tree === 'object' && tree !== null ? Object.entries(tree) : []
}

const MOST_GROUPS = 100_000

/** Undefined when it is no dump. */
export function readDump(tree: unknown): Dump | undefined {
  const version = textIn(tree, 'version')
  const known = Array.isArray(member(tree, 'entries')) || membersOf(member(tree, 'pg_config')).length > 0
  if (version === undefined || !known) return undefined
  const visits = new Visits()
  const groups = membersOf(member(tree, 'pg_config')).slice(0, MOST_GROUPS)
  return {
    version,
    rank: amountIn(tree, 'rank'),
    entries: visits.each(listIn(tree, 'entries')).flatMap(entry => readEntry(entry, visits) ?? []),
    groups: new Map(groups.map(([name, group]) => [name, ranksOf(member(group, 'ranks'))])),
  }
}
