/** JSON Lines of any script or logger, or dicts as Python prints them: an object with a step, and something about it, under names that they have in common. */
import type { WireRecord } from '../../wire/records'
import { commonStep, isHeldOut } from './common-names'
import { nanEvent } from './figures'
import { defineFormat, type LogLine } from './format'
import { membersOf, timeOf } from './json-members'
import { headOf } from './logger-head'
import { readDict } from './python-dict'
import { numberOf } from './values'

type State = { nan: boolean }

const MOST_CHARACTERS = 32_768
/** Words that one of the members must have in its name. */
const LIKELY = /["'][^"']{0,60}(?:step|iter|update)[^"']{0,20}["'] ?:/i
/** Without what loggers nest their figures in: `metrics/train/loss`, `payload/loss`. */
function withoutNest(members: ReadonlyMap<string, string>): Map<string, string> {
  return new Map(
    [...members].map(([name, value]) => [
      name.replace(/^(?:metrics|data|payload|values|scalars|fields|record|extra|message)\//, ''),
      value,
    ]),
  )
}

export const jsonLines = defineFormat({
  name: 'json-lines',
  help: 'JSON Lines of any script: objects with a step and its loss, time or throughput',
  origin: 'https://github.com/wandb/wandb/blob/main/wandb/sdk/wandb_run.py',
  general: true,
  begin: (): State => ({ nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    const { text: plain, time } = headOf(line)
    const text = plain.trim()
    if (!/^\{["']/.test(text) || !text.endsWith('}') || text.length > MOST_CHARACTERS || !LIKELY.test(text))
      return undefined
    const members = text.startsWith('{"') ? membersOf(text) : readDict(text)
    if (members === undefined) return undefined
    const figures = withoutNest(members)
    const at = timeOf(members) ?? time
    const common = commonStep(figures)
    if (common !== undefined) {
      const { fields, loss } = common
      const rank = numberOf(figures.get('rank') ?? figures.get('global_rank'))
      const record = { kind: 'step' as const, source: 'json-lines', time: at, rank, ...fields }
      return [record, ...nanEvent(loss, { step: fields.step, time: at, rank }, state)]
    }
    const evaluated = [...figures].filter(([name, value]) => isHeldOut(name) && numberOf(value) !== undefined)
    if (evaluated.length === 0) return undefined
    const message = [['step', figures.get('step') ?? '?'], ...evaluated].map(pair => pair.join(' ')).join(', ')
    return [{ kind: 'event', type: 'evaluation', time: at, message: message.slice(0, 1000) }]
  },
})
