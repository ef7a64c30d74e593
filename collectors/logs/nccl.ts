/** What NCCL and RCCL print with `NCCL_DEBUG` at WARN, INFO or TRACE: `host:pid:tid [device] NCCL INFO …`. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { operationOf } from '../evidence/operation'
import { knownRank, rankInJob, type World } from '../evidence/world'
import { readOutOfMemory } from './crash-memory'
import { defineFormat, type LogLine } from './format'
import { localTime } from './values'

type State = {
  world: World
  /** Communicators by `host:pid:pointer`. */
  communicators: { [name: string]: string }
  /** The node's index of the device that a process (`host:pid device`) calls by its own. */
  devices: { [name: string]: number }
  /** What was said of a node already: every process says it, of a way every channel. */
  said: string[]
}

/** Before the level may stand a clock (RCCL) and the place in the source: file and line, or a plugin's whole signature. */
const LINE =
  /^(?:\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,9})?)\] )?([\w.-]{1,255}):(\d{1,10}):(\d{1,10}) \[(-?\d{1,4})\] (?:[^[\]]{1,400}? )?NCCL (INFO|WARN|TRACE|VERSION|ABORT)(?: (.{0,8000}))?$/
/** As it is quoted: without who says it. */
const QUOTED = /^NCCL (?:INFO|TRACE) \S/
const VERSION_LINE = /^(?:NCCL|RCCL) version ?:? ?\d[\w.+:-]{1,80}$/
const COMPLETE =
  /^(?:ncclCommInit\w{1,40} )?comm (0x[0-9a-f]{1,16}) rank (\d{1,7}) nranks (\d{1,7}) cudaDev (\d{1,4})(?: nvmlDev (\d{1,4}))? busId [0-9a-f]{1,16}(?: commId (0x[0-9a-f]{1,16}))?(?: localSize \d{1,6} used \d{1,20} bytes)? -? ?Init COMPLETE/
const COLLECTIVE =
  /^(\w{3,40}): opCount [0-9a-f]{1,16} sendbuff \S{1,20} recvbuff \S{1,20} count (\d{1,18}) datatype (\d{1,3}) op \d{1,3} root -?\d{1,7} comm (0x[0-9a-f]{1,16}) \[nranks=(\d{1,7})\](?: stream \S{1,20})?(?: task \d{1,12} globalrank (\d{1,7}))?/
/** The way that a channel takes from one rank to another: `Channel 00/0 : 8[0] -> 7[7] [send] via NET/IB/0/GDRDMA`. */
const TRANSPORT =
  /^(?:Channel|Ring) \d{1,4}(?:\/\d{1,4})? : (\d{1,7})(?:\[[0-9a-f]{1,16}\])? -> (\d{1,7})(?:\[[0-9a-f]{1,16}\])? (?:\[(send|receive)\] )?via (\S{1,80})/
const NETWORK =
  /^(?:Channel 00\/\d{1,4} : {1,8}\d[\d ]{0,8000}|Trees \[0\] -?\d{1,7}(?:\/-?\d{1,7}){2}->0->-?\d{1,7}.{0,4000}|Using network \S{1,60}|NET\/\w{1,20} ?: Using (?:.{0,40} )?\[\d{1,3}\].{1,600}|\d{1,4} coll channels, .{1,300})$/

/** Bytes of an element by ncclDataType_t: int8, uint8, int32, uint32, int64, uint64, half, float, double, bfloat16, fp8. */
const ELEMENT_BYTES = [1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1]
const MOST_COMMUNICATORS = 4096
const MOST_SAID = 1024
const MESSAGE_LENGTH = 4000

interface Said {
  readonly node: string
  readonly process: string
  readonly pid: number
  readonly text: string
  readonly line: LogLine
}

function readComplete({ node, process, pid, text, line }: Said, state: State): WireRecord[] | undefined {
  const match = COMPLETE.exec(text)
  if (match === null) return undefined
  const [, pointer, rankText, sizeText, cudaDevice, nvmlDevice, id] = match
  const size = Number(sizeText)
  const name = `${process}:${pointer}`
  if (Object.keys(state.communicators).length >= MOST_COMMUNICATORS) return []
  if (id !== undefined) state.communicators[name] = id
  // CUDA counts the devices that the process may see, NVML those of the node.
  const gpuIndex = Number(nvmlDevice ?? cudaDevice)
  state.devices[`${process} ${cudaDevice}`] = gpuIndex
  const rank = rankInJob(state.world, process, Number(rankText), size)
  // A smaller communicator says nothing new.
  if (rank === undefined || size < state.world.size) return []
  return [{ kind: 'rank', node, rank: line.rank ?? rank, worldSize: size, pid, gpuIndex, device: 'cuda' }]
}

function readCollective({ node, process, text, line }: Said, state: State): RecordOf<'collective'>[] | undefined {
  const match = COLLECTIVE.exec(text)
  if (match === null) return undefined
  const [, name = '', count, type, pointer = '', , globalRank] = match
  const element = ELEMENT_BYTES[Number(type)]
  const bytes = element === undefined ? undefined : Number(count) * element
  return [
    {
      kind: 'collective',
      node,
      rank: globalRank === undefined ? (line.rank ?? knownRank(state.world, process)) : Number(globalRank),
      group: state.communicators[`${process}:${pointer}`] ?? pointer,
      operation: operationOf(name) ?? name,
      bytes: bytes !== undefined && Number.isSafeInteger(bytes) ? bytes : undefined,
    },
  ]
}

/** Whether it is said for the first time. */
function isNew(said: string, state: State): boolean {
  if (state.said.includes(said) || state.said.length >= MOST_SAID) return false
  state.said.push(said)
  return true
}

/** Both ends tell of a way to another node: the sender's word counts. */
function readTransport({ node, text }: Said, state: State): WireRecord[] | undefined {
  const [, from, to, end, path] = TRANSPORT.exec(text) ?? []
  if (path === undefined) return undefined
  if (end === 'receive' || !isNew(`${node} ${from} ${to} ${path}`, state)) return []
  return [{ kind: 'path', node, from: `rank ${from}`, to: `rank ${to}`, path }]
}

/** Networks and cards, how many channels there are, the ring of the first and the tree of its root. */
function readNetwork({ node, text }: Said, state: State): WireRecord[] | undefined {
  if (!NETWORK.test(text)) return undefined
  return isNew(`${node} ${text}`, state) ? [{ kind: 'event', node, type: 'nccl-network', message: text }] : []
}

export const nccl = defineFormat({
  name: 'nccl',
  help: 'NCCL and RCCL with NCCL_DEBUG: ranks and their devices, networks, collectives, warnings',
  origin: 'https://github.com/NVIDIA/nccl/blob/master/src/debug.cc',
  begin: (): State => ({ world: { size: 0, ranks: {} }, communicators: {}, devices: {}, said: [] }),
  parse(line: LogLine, state: State) {
    if (line.text.length > 10_000) return undefined
    const match = LINE.exec(line.text)
    if (match === null) return VERSION_LINE.test(line.text) || QUOTED.test(line.text) ? [] : undefined
    const [, stamp, node = '', pid = '', , device, level, text = ''] = match
    const said: Said = { node, process: `${node}:${pid}`, pid: Number(pid), text, line }
    if (level !== 'WARN')
      return (
        readComplete(said, state) ??
        readCollective(said, state) ??
        readTransport(said, state) ??
        readNetwork(said, state) ??
        []
      )
    const memory = readOutOfMemory(text.slice(0, MESSAGE_LENGTH), undefined)
    return [
      {
        kind: 'event',
        time: stamp === undefined ? undefined : localTime(stamp),
        node,
        rank: line.rank ?? knownRank(state.world, said.process),
        type: memory?.type ?? 'nccl-warning',
        gpuIndex: state.devices[`${said.process} ${device}`],
        message: text.slice(0, MESSAGE_LENGTH),
        requestedBytes: memory?.requestedBytes,
      },
    ]
  },
})
