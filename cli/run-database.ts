/** A run in a tracker's database, as a file to read: `mlflow.db`, or `mlflow.db/RUN` where it holds several. */
import { open, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { PlumblineError } from '../base/errors'
import { mlflowLines, mlflowRuns } from '../collectors/tracking/mlflow-database'
import { SQLITE_MAGIC, SqliteFile, type ReadAt } from '../collectors/tracking/sqlite-file'
import type { Input } from './run-folder'

const MOST_NAMED = 5

/** What is read while the file is open. */
async function* reading<T>(path: string, work: (readAt: ReadAt) => AsyncIterable<T>): AsyncGenerator<T> {
  const file = await open(path)
  try {
    yield* work(async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
      return buffer.subarray(0, bytesRead)
    })
  } finally {
    await file.close()
  }
}

async function isDatabase(path: string): Promise<boolean> {
  const about = await stat(path).catch(() => undefined)
  if (about?.isFile() !== true) return false
  const beginning = reading(path, async function* (readAt) {
    yield await readAt(0, SQLITE_MAGIC.length)
  })
  for await (const bytes of beginning) return bytes.equals(SQLITE_MAGIC)
  return false
}

/** What a writer has not yet put into the file itself would be missing. */
async function checkSettled(file: string): Promise<void> {
  const log = await stat(`${file}-wal`).catch(() => undefined)
  if (log !== undefined && log.size > 0)
    throw new PlumblineError(`${file} is being written: its newest rows are still in ${basename(file)}-wal`, {
      fix: `stop what writes it, or: sqlite3 ${file} 'PRAGMA wal_checkpoint(TRUNCATE)'`,
    })
}

async function* linesOf(readAt: ReadAt, run: string): AsyncGenerator<Buffer> {
  yield* mlflowLines(await SqliteFile.open(readAt), run)
}

/** Undefined where the path leads to no database. Throws a PlumblineError where it holds no run, not this one, or several. */
export async function databaseInputs(path: string): Promise<Input[] | undefined> {
  const whole = await isDatabase(path)
  const file = whole ? path : dirname(path)
  if (!whole && !(await isDatabase(file))) return undefined
  await checkSettled(file)
  const all = reading(file, async function* (readAt) {
    yield* await mlflowRuns(await SqliteFile.open(readAt))
  })
  const runs = []
  for await (const run of all) runs.push(run)
  if (runs.length === 0)
    throw new PlumblineError(`no run of MLflow in the SQLite database ${file}`, { fix: 'name a file that holds one' })
  const [run, ...others] = whole ? runs : runs.filter(({ id }) => id === basename(path))
  if (run === undefined || others.length > 0) {
    const named = runs.slice(-MOST_NAMED).map(({ id, name }) => `${file}/${id} (${name})`)
    const what = run === undefined ? `no run ${basename(path)} among the ${runs.length}` : `${runs.length} runs`
    throw new PlumblineError(`${what} of MLflow in ${file}`, {
      fix: `name one: ${named.join(', ')}${runs.length > MOST_NAMED ? ', …' : ''}`,
    })
  }
  const { mtimeMs } = await stat(file)
  const chunks = () => reading(file, readAt => linesOf(readAt, run.id))
  return [{ name: `${file}/${run.id}`, writtenAt: mtimeMs / 1000, chunks }]
}
