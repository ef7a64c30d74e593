/** DeepSpeed's communication logger: each call where it is verbose, and the table at the end. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { numberOf, scaled } from './values'

type State = { operation: string | null }

const CALL =
  /^comm op: (\w{1,40})(?: \| \[Caller Func: [^\]]{0,200}\])? \| time \(ms\): ([\d.]{1,16}) \| msg size: ([\d.]{1,16} ?[KMGTP]?B) \| algbw \(Gbps\): +[\d.]{1,16} +\| busbw \(Gbps\): +([\d.]{1,16})/
const HEAD = /^Comm\. Op\s+Message Size\s+Count\s+Total (?:Latency|comm lat)\(ms\)\s/
const OPERATION = /^(?:[a-z]{2,20}_){0,6}[a-z]{2,20}(?: \| \[Caller Func: [^\]]{0,200}\])?$/
const ROW =
  /^\s{12,24}([\d.]{1,16} ?[KMGTP]?B)\s{1,20}\d{1,12}\s{1,20}[\d.]{1,16}\s{1,20}(?:[\d.]{1,16}\s{1,20})?([\d.]{1,16})\s{1,20}[\d.]{1,16}\s{1,20}([\d.]{1,16})$/
const RULE = /^(?:_{31}|-{31}|Breakdown with straggler effect)$/

const OPERATIONS: Readonly<Record<string, string>> = {
  all_reduce_coalesced: 'all-reduce',
  inference_all_reduce: 'all-reduce',
  all_gather_into_tensor: 'all-gather',
  all_gather_coalesced: 'all-gather',
  reduce_scatter_tensor: 'reduce-scatter',
  reduce_scatter_coalesced: 'reduce-scatter',
  all_to_all_single: 'all-to-all',
}
const nameOf = (operation: string) => OPERATIONS[operation] ?? operation.replaceAll('_', '-')

const UNITS = 'KMGTP'

/** Sizes are powers of 1024, whatever their unit says. */
function sizeOf(text: string | undefined): number | undefined {
  const match = /^([\d.]{1,16}) ?([KMGTP]?)B$/.exec(text ?? '')
  const value = numberOf(match?.[1])
  if (match === null || value === undefined) return undefined
  return Math.round(value * 1024 ** (match[2] === '' ? 0 : UNITS.indexOf(match[2] ?? '') + 1))
}

const GIGABIT_BYTES = 1e9 / 8

function collective(
  operation: string,
  size?: string,
  milliseconds?: string,
  gigabits?: string,
): RecordOf<'collective'> {
  return {
    kind: 'collective',
    operation: nameOf(operation),
    bytes: sizeOf(size),
    seconds: scaled(numberOf(milliseconds), 1e-3),
    busBytesPerSecond: scaled(numberOf(gigabits), GIGABIT_BYTES),
  }
}

/** A row of the table is the mean of many calls; its second half, with stragglers, has another layout and says less. */
export function readCollective(text: string, state: State): WireRecord[] | undefined {
  if (text.length > 1000) return undefined
  const call = text.startsWith('comm op: ') ? CALL.exec(text) : null
  if (call !== null) return [collective(call[1] ?? '', call[3], call[2], call[4])]
  if (HEAD.test(text)) {
    state.operation = ''
    return []
  }
  if (state.operation === null) return undefined
  if (RULE.test(text)) return []
  if (OPERATION.test(text)) {
    state.operation = text.split(' ')[0] ?? ''
    return []
  }
  const row = ROW.exec(text)
  if (row !== null) return [collective(state.operation, row[1], row[2], row[3])]
  state.operation = null
  return undefined
}
