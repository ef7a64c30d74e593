/** `run-ID.wandb` of Weights & Biases, online or offline: history, settings, the machine's samples, what was printed, how it ended. */
import { fieldsOf, messagesOf, ProtobufError } from '../../base/protobuf'
import type { WireRecord } from '../../wire/records'
import type { Form } from '../form'
import { meaningOf } from '../logs/common-names'
import { membersOf } from '../logs/json-members'
import { createLogReader, type LogReader } from '../logs/read'
import { numberOf } from '../logs/values'
import { evaluation, stepRecords, toldBy, type StepState } from '../tracking/scalars'
import { configOfSettings } from '../tracking/settings-config'
import { systemRecords } from '../tracking/system-metrics'
import { WANDB_MAGIC, wandbRecords } from '../tracking/wandb-file'

/** Fields of `Record` and of what it holds, by number: wandb/proto/wandb_internal.proto. */
const RECORD = { history: 2, output: 4, config: 5, stats: 7, outputRaw: 13, run: 17, exit: 18 } as const
const ITEM = { key: 1, nestedKey: 2, valueJson: 16 } as const
const RUN = { config: 4, displayName: 8 } as const
const OUTPUT = { timestamp: 2, line: 3 } as const
const STATS = { timestamp: 2, item: 3 } as const
const EXIT = { code: 1 } as const
/** W&B's own names begin with it. */
const OWN = /^_/

interface State {
  readonly last: StepState
  readonly settings: Map<string, string>
  readonly log: LogReader
  printedAt: number | undefined
}

/** Names and values of the items in a message, nested ones by the path to them. */
function itemsOf(message: Buffer, number: number): Map<string, string> {
  const items = new Map<string, string>()
  for (const item of messagesOf(message, number)) {
    const path: string[] = []
    let json = ''
    for (const { number: field, bytes } of fieldsOf(item)) {
      if (field === ITEM.key || field === ITEM.nestedKey) path.push(bytes.toString('utf8'))
      else if (field === ITEM.valueJson) json = bytes.toString('utf8')
    }
    const name = path.filter(part => part !== '').join('/')
    for (const [member, value] of membersOf(`{${JSON.stringify(name)}: ${json}}`) ?? []) items.set(member, value)
  }
  return items
}

/** Seconds of a `google.protobuf.Timestamp` in a field. */
function timestampOf(message: Buffer, number: number): number | undefined {
  const [timestamp] = messagesOf(message, number)
  if (timestamp === undefined) return undefined
  const parts = new Map([...fieldsOf(timestamp)].map(field => [field.number, Number(field.value)]))
  const seconds = (parts.get(1) ?? 0) + (parts.get(2) ?? 0) / 1e9
  return seconds > 0 ? seconds : undefined
}

function historyRecords(message: Buffer, state: State): WireRecord[] {
  const items = itemsOf(message, 1)
  const time = numberOf(items.get('_timestamp'))
  const named = [...items].filter(([name]) => !OWN.test(name))
  const heldOut = new Map<string, number>()
  const figures = new Map<string, string>()
  for (const [name, value] of named) {
    const says = toldBy(name)
    const number = numberOf(value)
    if (says === 'evaluation') {
      if (number !== undefined) heldOut.set(name, number)
    } else if (says !== undefined && !figures.has(says.common)) figures.set(says.common, `${value}${says.unit}`)
  }
  // W&B's own count is of what was logged: a step of the script's is better.
  if (![...figures.keys()].some(name => meaningOf(name) === 'step')) figures.set('step', items.get('_step') ?? '')
  const records = stepRecords('wandb', figures, time, state.last)
  if (heldOut.size === 0) return records
  state.last.last = null
  const at = [...figures].find(([name]) => meaningOf(name) === 'step')?.[1]
  return [...records, evaluation(numberOf(at) ?? 0, heldOut, time)]
}

function configRecords(message: Buffer, state: State): WireRecord[] {
  for (const [name, value] of itemsOf(message, 1)) if (!OWN.test(name)) state.settings.set(name, value)
  const config = configOfSettings('wandb', state.settings)
  return config === undefined ? [] : [config]
}

function statsRecords(message: Buffer): WireRecord[] {
  const metrics = new Map<string, number>()
  for (const [name, text] of itemsOf(message, STATS.item)) {
    const value = numberOf(text)
    if (value !== undefined) metrics.set(name, value)
  }
  return systemRecords('wandb', metrics, timestampOf(message, STATS.timestamp))
}

/** Of what was printed the events; its steps are in the history. */
const eventsOf = (records: readonly WireRecord[], time: number | undefined): WireRecord[] =>
  records.flatMap(record => (record.kind === 'event' && record.type !== 'nan-loss' ? [{ time, ...record }] : []))

function outputRecords(message: Buffer, state: State): WireRecord[] {
  state.printedAt = timestampOf(message, OUTPUT.timestamp) ?? state.printedAt
  const lines = [...messagesOf(message, OUTPUT.line)]
  return lines.flatMap(line => eventsOf(state.log.push(line), state.printedAt))
}

function runRecords(message: Buffer, state: State): WireRecord[] {
  const [name] = messagesOf(message, RUN.displayName)
  const configs = [...messagesOf(message, RUN.config)].flatMap(config => configRecords(config, state))
  return [...(name === undefined ? [] : [{ kind: 'run' as const, name: name.toString('utf8') }]), ...configs]
}

function exitRecords(message: Buffer): WireRecord[] {
  const code = [...fieldsOf(message)].find(({ number }) => number === EXIT.code)
  const exitCode = code === undefined ? 0 : Number(BigInt.asIntN(32, code.value))
  return [{ kind: 'event', type: 'exit', exitCode, message: `the run ended with exit code ${exitCode}` }]
}

function recordsOf(record: Buffer, state: State): WireRecord[] {
  const records: WireRecord[] = []
  for (const { number, bytes } of fieldsOf(record)) {
    if (number === RECORD.history) records.push(...historyRecords(bytes, state))
    else if (number === RECORD.config) records.push(...configRecords(bytes, state))
    else if (number === RECORD.run) records.push(...runRecords(bytes, state))
    else if (number === RECORD.stats) records.push(...statsRecords(bytes))
    else if (number === RECORD.outputRaw || number === RECORD.output) records.push(...outputRecords(bytes, state))
    else if (number === RECORD.exit) records.push(...exitRecords(bytes))
  }
  return records
}

export const wandbRun: Form = {
  name: 'wandb-run',
  tool: 'wandb',
  help: 'the file of a Weights & Biases run: history, settings, samples of devices, what was printed, its end',
  origin: 'https://github.com/wandb/wandb/blob/main/wandb/proto/wandb_internal.proto',
  claims: ({ bytes }) => bytes.subarray(0, WANDB_MAGIC.length).equals(WANDB_MAGIC),
  async read(chunks, write) {
    const state: State = {
      last: { last: null, nan: false, counted: null },
      settings: new Map(),
      log: createLogReader(),
      printedAt: undefined,
    }
    const counts = { linesRead: 0, linesUnread: 0 }
    for await (const record of wandbRecords(chunks)) {
      try {
        const records = record === undefined ? undefined : recordsOf(record, state)
        if (records === undefined) counts.linesUnread += 1
        else counts.linesRead += 1
        await write(records ?? [])
      } catch (error) {
        if (!(error instanceof ProtobufError)) throw error
        counts.linesUnread += 1
      }
    }
    await write(eventsOf(state.log.end(), state.printedAt))
    return counts
  },
}
