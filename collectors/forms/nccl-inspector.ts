/** NCCL Inspector: a JSON object, mostly on one line, for each collective that a communicator finished. */
import type { RecordOf } from '../../wire/records'
import { operationOf } from '../evidence/operation'
import { amountIn, member, textIn } from '../evidence/tree'
import { rankInJob, type World } from '../evidence/world'
import { linesForm, type Form, type Head } from '../form'
import { scaled } from '../logs/values'

const BODIES = ['coll_perf', 'p2p_perf', 'dump_stats', 'proxy_trace']

/** Lines of an object that was set out for people, as its documentation shows them. */
const MOST_OBJECT_LINES = 2000
const MOST_OBJECT_CHARACTERS = 256 * 1024

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `comm_name` is `unknown` where the application gave none; the hash of the communicator tells groups apart then. */
function groupOf(header: unknown): string | undefined {
  const name = textIn(header, 'comm_name')
  return (name === undefined || name === '' || name === 'unknown' ? textIn(header, 'id') : name)?.slice(0, 200)
}

/** When the line was written, which is soon after the collective. */
function timeOf(metadata: unknown): number | undefined {
  const microseconds = amountIn(metadata, 'dump_timestamp_us')
  return microseconds === undefined ? undefined : microseconds / 1e6
}

/** Whose the lines are. Since version 4.3 a marker says it once for the lines behind it, before that each line did. */
interface Origin {
  header: unknown
  metadata: unknown
}

/** RCCL's and others' plugins say no version, and may have the members of the header beside the figures. */
function besides(tree: unknown): Origin | undefined {
  const header = member(tree, 'header') ?? tree
  const known = amountIn(header, 'rank') !== undefined && amountIn(header, 'n_ranks') !== undefined
  return known ? { header, metadata: member(tree, 'metadata') ?? tree } : undefined
}

/** Point-to-point operations have the same members under another prefix. */
function readLine(line: string, world: World, origin: Origin): RecordOf<'collective'>[] | undefined {
  const tree = parsed(line)
  if (member(tree, 'metadata') !== undefined) {
    origin.header = member(tree, 'header')
    origin.metadata = member(tree, 'metadata')
  }
  if (!BODIES.some(body => member(tree, body))) return undefined
  const versioned = textIn(origin.metadata, 'inspector_output_format_version') !== undefined
  const said = versioned ? origin : besides(tree)
  if (said === undefined) return undefined
  const { header, metadata } = said
  const prefix = member(tree, 'coll_perf') === undefined ? 'p2p' : 'coll'
  const performance = member(tree, `${prefix}_perf`)
  const name = textIn(performance, prefix)?.slice(0, 100)
  if (name === undefined) return []
  const node = textIn(metadata, 'hostname')?.slice(0, 256)
  const rank = amountIn(header, 'rank')
  const size = amountIn(header, 'n_ranks')
  const process = `${node ?? ''}:${amountIn(metadata, 'pid') ?? ''}`
  return [
    {
      kind: 'collective',
      time: timeOf(metadata),
      node,
      rank: rank === undefined || size === undefined ? undefined : rankInJob(world, process, rank, size),
      group: groupOf(header),
      operation: operationOf(name) ?? name,
      bytes: amountIn(performance, `${prefix}_msg_size_bytes`),
      seconds: scaled(amountIn(performance, `${prefix}_exec_time_us`), 1e-6),
      busBytesPerSecond: scaled(amountIn(performance, `${prefix}_busbw_gbs`), 1e9),
    },
  ]
}

/** Puts the lines of an object together; gives a whole one, or undefined where it goes on. */
function objects(): (line: string) => string | undefined {
  let open: string[] = []
  let characters = 0
  return line => {
    if (open.length === 0 && line.trimEnd() !== '{') return line
    open.push(line)
    characters += line.length
    const isWhole = line.trimEnd() === '}'
    if (!isWhole && open.length < MOST_OBJECT_LINES && characters < MOST_OBJECT_CHARACTERS) return undefined
    const text = open.join('\n')
    open = []
    characters = 0
    return text
  }
}

function begin(): (line: string) => RecordOf<'collective'>[] | undefined {
  const world: World = { size: 0, ranks: {} }
  const origin: Origin = { header: undefined, metadata: undefined }
  const objectOf = objects()
  return line => {
    const text = objectOf(line)
    return text === undefined ? [] : readLine(text, world, origin)
  }
}

/** Whether the first object is one of its. */
function claims({ text }: Head): boolean {
  const objectOf = objects()
  for (const line of text.trimStart().split('\n', MOST_OBJECT_LINES)) {
    const first = objectOf(line)
    if (first !== undefined) return begin()(first) !== undefined
  }
  return false
}

export const ncclInspector: Form = {
  ...linesForm({
    name: 'nccl-inspector',
    tool: 'nccl',
    help: 'the JSON objects of NCCL’s inspector plugin: time and bus bandwidth of each collective',
    origin: 'https://github.com/NVIDIA/nccl/tree/master/plugins/profiler/inspector',
    begin,
  }),
  claims,
}
