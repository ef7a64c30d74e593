/** Runs of MLflow in a SQLite database that SQLite itself writes, by Python's module. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inputsOf } from '../../cli/run-folder'
import { mlflowRun } from '../../collectors/forms/mlflow-run'
import { columnsOf, SqliteFile } from '../../collectors/tracking/sqlite-file'
import type { WireRecord } from '../../wire/records'

const hasSqlite = spawnSync('python3', ['-c', 'import sqlite3']).status === 0
if (!hasSqlite) console.warn('SKIPPED: no python3 with sqlite3 to write the databases')

/** The tables and columns that MLflow's migrations end with, as far as they matter here; small pages, many of them. */
const WRITE = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript("""
PRAGMA page_size = 512;
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL, name VARCHAR(250), status VARCHAR(9), start_time BIGINT, end_time BIGINT,
  lifecycle_stage VARCHAR(20), CONSTRAINT run_pk PRIMARY KEY (run_uuid), CHECK (status IN ('RUNNING', 'FINISHED', 'FAILED')));
CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL, run_uuid VARCHAR(32) NOT NULL,
  step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL,
  CONSTRAINT metric_pk PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));
CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL);
""")
for run, name, status, end in [("a1", "first", "FINISHED", 1764200900000), ("b2", "second", "FAILED", None)][:int(sys.argv[2])]:
    db.execute("INSERT INTO runs VALUES (?, ?, ?, 1764200000000, ?, 'active')", (run, name, status, end))
    db.execute("INSERT INTO params VALUES ('hidden_size', '4096', ?)", (run,))
    db.execute("INSERT INTO params VALUES ('prompt', ?, ?)", ("long text\\n" * 400, run))
    for step in range(500):
        row = ("train/loss", 10.0 - step / 100, 1764200000000 + 2000 * step, run, step, 0)
        db.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    db.execute("INSERT INTO metrics VALUES ('train/loss', 0, 1764201000000, ?, 500, 1)", (run,))
db.execute("INSERT INTO runs VALUES ('c3', 'gone', 'FINISHED', 1764200000000, NULL, 'deleted')")
db.commit()
`

let folder = ''
const path = (name: string) => join(folder, name)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-run-database-'))
  if (!hasSqlite) return
  for (const [name, runs] of [
    ['one.db', '1'],
    ['two.db', '2'],
    ['none.db', '0'],
  ] as const) {
    const { status, stderr } = spawnSync('python3', ['-c', WRITE, path(name), runs], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function recordsOf(name: string): Promise<WireRecord[]> {
  const [input] = await inputsOf(path(name), process.stdin)
  if (input === undefined) throw new Error('nothing to read')
  const records: WireRecord[] = []
  const counts = await mlflowRun.read(input.chunks(), more => {
    records.push(...more)
    return Promise.resolve()
  })
  expect(counts.linesUnread).toBe(0)
  return records
}

describe.skipIf(!hasSqlite)('a database of MLflow', () => {
  it('gives its one run, every metric, parameter and the end, over many pages', async () => {
    const records = await recordsOf('one.db')
    const steps = records.filter(record => record.kind === 'step')
    expect(steps.filter(({ loss }) => loss !== undefined)).toHaveLength(500)
    expect(steps[3]).toMatchObject({ step: 3, loss: 9.97, time: 1_764_200_006 })
    expect(records).toContainEqual({ kind: 'run', name: 'first' })
    expect(records.find(({ kind }) => kind === 'config')).toMatchObject({ model: { hiddenSize: 4096 } })
    expect(records.at(-1)).toMatchObject({ kind: 'event', type: 'exit', exitCode: 0, time: 1_764_200_900 })
  })

  it('of several runs asks for one, and takes it by its id', async () => {
    await expect(inputsOf(path('two.db'), process.stdin)).rejects.toMatchObject({
      message: `2 runs of MLflow in ${path('two.db')}`,
      fix: `name one: ${path('two.db')}/a1 (first), ${path('two.db')}/b2 (second)`,
    })
    expect(await recordsOf('two.db/b2')).toContainEqual({ kind: 'run', name: 'second' })
    await expect(inputsOf(path('two.db/zz'), process.stdin)).rejects.toThrow('no run zz among the 2 of MLflow')
  })

  it('without a run, or with rows that are elsewhere yet, says so', async () => {
    await expect(inputsOf(path('none.db'), process.stdin)).rejects.toThrow('no run of MLflow in the SQLite database')
    const busy = path('busy.db')
    writeFileSync(busy, readFileSync(path('one.db')))
    writeFileSync(`${busy}-wal`, 'newer rows')
    await expect(inputsOf(busy, process.stdin)).rejects.toMatchObject({
      fix: expect.stringContaining('wal_checkpoint'),
    })
  })

  it('that is cut or overwritten anywhere ends with an error that says what to do, or with fewer rows', async () => {
    const sound = readFileSync(path('one.db'))
    for (let at = 100; at < sound.length; at += 1021) {
      const hurt = Buffer.from(sound)
      hurt.fill(at % 256, at, at + 7)
      for (const bytes of [hurt, sound.subarray(0, at)]) {
        const database = await SqliteFile.open((offset, length) =>
          Promise.resolve(bytes.subarray(offset, offset + length)),
        )
        let rows = 0
        try {
          for await (const row of database.rows('metrics')) rows += row.size === 6 ? 1 : 0
        } catch (error) {
          expect(error).toMatchObject({ fix: 'see what `sqlite3 FILE .recover` can save' })
        }
        expect(rows).toBeLessThanOrEqual(100_000)
      }
    }
  })
})

describe('columns of a table', () => {
  it('are read whatever surrounds their names', () => {
    const sql =
      'CREATE TABLE "t" (id INTEGER, "two words" DECIMAL(10, 2) DEFAULT (1 + 2), [x] TEXT, PRIMARY KEY (id, "x"))'
    expect(columnsOf(sql)).toEqual(['id', 'two words', 'x'])
  })
})
