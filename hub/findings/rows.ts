/** Findings in the store: a row for each change, the newest of an id is how it stands. */
import { findingSchema, type Finding } from '../../wire/findings'
import type { RecordOf } from '../../wire/records'
import { Batch } from '../../wire/table'
import { jsonAt, numberAt, rowsOf, textAt } from '../queries/values'
import type { Store } from '../store/store'
import type { KeptFinding } from './life'

const AGENT = 'findings'
/** The row of a run that says up to which step it was looked at. */
const LOOKED = 'looked'
const MOST_ROWS = 200_000

export interface Stored {
  readonly findings: Map<string, KeptFinding>
  /** Undefined where it never was looked at to its end. */
  lookedTo: number | undefined
}

export class FindingRows {
  private sequence: number
  private last: Promise<void> = Promise.resolve()

  constructor(private readonly store: Store) {
    // The newest row may be of a batch that is not whole: a number that was never used.
    this.sequence = store.lastSequence(AGENT) + 2
  }

  keep(finding: KeptFinding, time: number): Promise<void> {
    const { run, id, state, detector, severity, title, evidence, since, until, ...rest } = finding
    const record = { run, id, state, detector, severity, title, evidence, since, until, ...rest }
    return this.insert({ kind: 'finding', time, ...record })
  }

  keepLook(run: string, step: number, time: number): Promise<void> {
    return this.insert({ kind: 'finding', run, id: LOOKED, state: LOOKED, until: step, time })
  }

  /** By run: of these, or of all. */
  async read(runs?: readonly string[]): Promise<Map<string, Stored>> {
    const ofRuns = runs === undefined ? '' : 'AND finding.run IN {runs:Array(String)}'
    const parameters = { agent: AGENT, most: MOST_ROWS }
    const rows = await this.store.query(
      `SELECT toString(finding.run) AS run, toString(id) AS id, toString(finding.state) AS state, toString(detector) AS detector,
         toString(severity) AS severity, title, evidence, since, finding.until AS until, costSecondsPerStep, costRatio, costGpuHours, costMoney,
         toString(finding.currency) AS currency, toString(cause) AS cause, signs, ranks, nodes, links, nextStep, toString(provenance) AS provenance
       FROM finding WHERE (agent = {agent:String} OR startsWith(toString(agent), '${AGENT}@')) ${ofRuns}
       ORDER BY finding.receivedAt DESC, sequence DESC LIMIT {most:UInt32}`,
      runs === undefined ? parameters : { ...parameters, runs },
    )
    const found = new Map<string, Stored>()
    for (let row = 0; row < rowsOf(rows); row += 1) {
      const [run, id] = [textAt(rows, 'run', row) ?? '', textAt(rows, 'id', row) ?? '']
      const stored = found.get(run) ?? { findings: new Map<string, KeptFinding>(), lookedTo: undefined }
      found.set(run, stored)
      if (id === LOOKED) stored.lookedTo ??= numberAt(rows, 'until', row) ?? undefined
      else if (!stored.findings.has(id)) {
        const finding = findingOf(rows, row)
        if (finding?.id !== undefined && finding.state !== undefined)
          stored.findings.set(id, { ...finding, id: finding.id, state: finding.state })
      }
    }
    return found
  }

  /** Runs of which something was found that arrived at `since` (Unix seconds) or later. */
  async changed(since: number): Promise<string[]> {
    const rows = await this.store.query(
      'SELECT DISTINCT toString(finding.run) AS run FROM finding WHERE finding.receivedAt >= {since:Float64}',
      { since },
    )
    return Array.from({ length: rowsOf(rows) }, (_, row) => textAt(rows, 'run', row) ?? '')
  }

  private insert(record: RecordOf<'finding'>): Promise<void> {
    const batch = new Batch()
    batch.add(record)
    const sequence = this.sequence++
    // Batches of one agent come in order.
    this.last = this.last
      .catch(() => undefined)
      .then(() =>
        this.store.insert(batch, { agent: this.store.sender(AGENT), sequence, receivedAt: this.store.arrival() }),
      )
    return this.last
  }
}

const NUMBERS = ['since', 'until', 'costSecondsPerStep', 'costRatio', 'costGpuHours', 'costMoney'] as const
const TEXTS = [
  ...(['run', 'id', 'state', 'detector', 'severity', 'title', 'evidence', 'nextStep', 'provenance'] as const),
  ...(['currency', 'cause'] as const),
] as const
const LISTS = ['ranks', 'nodes', 'links', 'signs'] as const

function findingOf(rows: Parameters<typeof textAt>[0], row: number): Finding | undefined {
  const value: Record<string, unknown> = { nextStep: '' }
  for (const name of NUMBERS) value[name] = numberAt(rows, name, row) ?? undefined
  for (const name of TEXTS) value[name] = textAt(rows, name, row) ?? value[name]
  for (const name of LISTS) value[name] = jsonAt(rows, name, row)
  const read = findingSchema.safeParse(value)
  return read.success ? read.data : undefined
}
