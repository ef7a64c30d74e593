/** Dumps of PyTorch's flight recorder (`TORCH_NCCL_DUMP_ON_TIMEOUT`, `TORCH_FR_DUMP_TEMP_FILE`): a pickle, or JSON. */
import { format } from '../../base/units'
import { groupName as groupMembers } from '../../wire/group-name'
import type { WireRecord } from '../../wire/records'
import { readDump, type Dump, type Entry } from '../evidence/flight-recorder'
import { wholeBytes, type Form } from '../form'
import { holdsText, readPickle } from '../pickle/read'

const groupName = (entry: Entry) => entry.groupDescription || entry.group

function collective(entry: Entry, rank: number | undefined): WireRecord {
  return {
    kind: 'collective',
    time: entry.started ?? entry.created,
    rank,
    group: groupName(entry),
    operation: entry.operation ?? entry.name,
    bytes: entry.bytes,
    seconds: entry.seconds,
  }
}

function incomplete(entry: Entry, dump: Dump): WireRecord {
  const ranks = dump.groups.get(entry.group ?? '')?.length
  const parts = [
    `${entry.operation ?? entry.name} ${entry.sequence ?? ''}`.trimEnd(),
    ...(entry.group === undefined
      ? []
      : [`in group ${groupName(entry)}${ranks === undefined ? '' : ` of ${ranks} ranks`}`]),
    ...(entry.bytes === undefined ? [] : [`of ${format(entry.bytes, 'bytes')}`]),
    `was ${entry.state ?? 'called'} and did not complete`,
    ...(entry.at === undefined ? [] : [`called at ${entry.at}`]),
  ]
  return {
    kind: 'event',
    time: entry.started ?? entry.created,
    rank: dump.rank,
    type: 'collective-incomplete',
    message: parts.join(' '),
    group: membersName(entry, dump),
    operation: entry.operation ?? entry.name,
    collectiveSequence: entry.sequence,
  }
}

/** By its members, as everywhere, so that the dumps of several ranks agree; else as the dump calls it. */
function membersName(entry: Entry, dump: Dump): string | undefined {
  const ranks = dump.groups.get(entry.group ?? '') ?? []
  return ranks.length > 0 ? groupMembers([...ranks].sort((one, other) => one - other)) : groupName(entry)
}

/** Of each group the last collective that this rank came out of: it has been at all before it. */
function completed(dump: Dump): WireRecord[] {
  const last = new Map<string, Entry>()
  for (const entry of dump.entries) {
    const group = membersName(entry, dump)
    if (group === undefined || entry.sequence === undefined || entry.pointToPoint || !entry.completed) continue
    if (entry.sequence > (last.get(group)?.sequence ?? -1)) last.set(group, entry)
  }
  return [...last].map(([group, entry]) => ({
    kind: 'event',
    time: entry.ended ?? entry.started ?? entry.created,
    rank: dump.rank,
    type: 'collective-completed',
    message: `${entry.operation ?? entry.name} ${entry.sequence ?? ''} in group ${groupName(entry) ?? group} was the last to complete`,
    group,
    operation: entry.operation ?? entry.name,
    collectiveSequence: entry.sequence,
  }))
}

/** JSON.parse of what may be anything. */
function parsed(bytes: Buffer): unknown {
  if (bytes[0] === 0x80) return readPickle(bytes)
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Only a dump has both, and near its beginning: the versions come first, or an entry's name does. */
const JSON_KEYS = [
  /^\s{0,100}\{/,
  /"version"\s{0,9}:|"profiling_name"\s{0,9}:/,
  /"(?:pg_config|profiling_name)"\s{0,9}:/,
]

export const torchFlightRecorder: Form = {
  name: 'torch-flight-recorder',
  tool: 'torch',
  help: 'the last collectives of a rank with their state, as PyTorch dumps them when one times out',
  origin: 'https://github.com/pytorch/pytorch/blob/main/torch/csrc/distributed/c10d/FlightRecorder.hpp',
  claims: ({ bytes, text }) =>
    holdsText(bytes, 'profiling_name') ||
    (holdsText(bytes, 'pg_config') && holdsText(bytes, 'version')) ||
    JSON_KEYS.every(key => key.test(text)),
  async read(chunks, write) {
    const dump = readDump(parsed(await wholeBytes(chunks, 'torch-flight-recorder')))
    if (dump === undefined) return { linesRead: 0, linesUnread: 1 }
    const open = dump.entries.filter(entry => !entry.completed)
    await write([
      ...dump.entries.map(entry => collective(entry, dump.rank)),
      ...open.map(entry => incomplete(entry, dump)),
      ...completed(dump),
    ])
    return { linesRead: 1, linesUnread: 0 }
  },
}
