/** Runs in the database of MLflow's tracking server or of its client, which keep them in SQLite where nothing else is said. */
import type { SqliteFile, SqliteRow } from './sqlite-file'

export interface MlflowRun {
  readonly id: string
  readonly name: string
}

const text = (row: SqliteRow, column: string) => {
  const value = row.get(column)
  return value === null || value === undefined ? '' : String(value)
}
/** `RunStatus` of MLflow's protocol, as its file store has it. */
const STATUS = ['', 'RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']
/** Of what may be whole texts the beginning tells. */
const MOST_VALUE = 500
/** Rows that are handed on at a time. */
const LINES = 5000

/** In the order in which they began, without what was deleted. */
export async function mlflowRuns(database: SqliteFile): Promise<MlflowRun[]> {
  const runs: (MlflowRun & { readonly startedAt: number })[] = []
  for await (const row of database.rows('runs')) {
    if (text(row, 'lifecycle_stage') === 'deleted') continue
    runs.push({ id: text(row, 'run_uuid'), name: text(row, 'name'), startedAt: Number(text(row, 'start_time')) })
  }
  return runs.sort((one, other) => one.startedAt - other.startedAt)
}

function metricLine(row: SqliteRow): string {
  const value = text(row, 'is_nan') === '1' ? 'nan' : text(row, 'value')
  return `metrics/${text(row, 'key')}:${text(row, 'timestamp')} ${value} ${text(row, 'step')}`
}
function statusLines(row: SqliteRow): string[] {
  const status = STATUS.indexOf(text(row, 'status'))
  const end = text(row, 'end_time')
  return [
    `meta.yaml:run_name: ${text(row, 'name')}`,
    ...(end === '' ? [] : [`meta.yaml:end_time: ${end}`]),
    ...(status < 1 ? [] : [`meta.yaml:status: ${status}`]),
  ]
}
const LINES_OF: Readonly<Record<string, (row: SqliteRow) => readonly string[]>> = {
  metrics: row => [metricLine(row)],
  params: row => [`params/${text(row, 'key')}:${text(row, 'value').slice(0, MOST_VALUE).replaceAll('\n', ' ')}`],
  runs: statusLines,
}

/** One run as `grep -r '' .` prints the folder that MLflow's file store keeps of it, for the same reader. */
export async function* mlflowLines(database: SqliteFile, run: string): AsyncGenerator<Buffer> {
  for (const [table, linesOf] of Object.entries(LINES_OF)) {
    let lines: string[] = []
    for await (const row of database.rows(table)) {
      if (text(row, 'run_uuid') === run) lines.push(...linesOf(row))
      if (lines.length < LINES) continue
      yield Buffer.from(`${lines.join('\n')}\n`)
      lines = []
    }
    if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`)
  }
}
