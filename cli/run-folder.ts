/** A folder that a tracker wrote for a run, as files to read. */
import type { Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import type { Readable } from 'node:stream'
import { PlumblineError } from '../base/errors'
import { LineSplitter } from '../collectors/logs/line'
import { readChunks } from './parse-input'
import { databaseInputs } from './run-database'

/** What is read as one file. */
export interface Input {
  readonly name: string
  chunks(): AsyncIterable<Buffer>
  /** When it was last written, Unix seconds. */
  readonly writtenAt: number
}

const MOST_FILES = 20_000
const MOST_DEPTH = 8
/** Folders of a run's second writer, whose tags are those of the first. */
const HELD_OUT = /(?:^|\/)(?:val|valid|validation|eval|evaluation|test)$/
const OF_WRITER = /\/?(?:train|training)$/

interface Tracker {
  readonly name: string
  /** The folder of the run that a file is of; undefined for a file that is not read. */
  runOf(file: string): string | undefined
  inputs(folder: string, files: readonly string[], stdin: Readable): Promise<Input[]>
}

const writtenAtOf = (about: Stats | undefined) => (about?.mtimeMs ?? 0) / 1000
const statOf = (path: string) => stat(path).catch(() => undefined)

async function plainInputs(folder: string, files: readonly string[], stdin: Readable): Promise<Input[]> {
  return Promise.all(
    files.map(async file => {
      const path = join(folder, file)
      return { name: path, writtenAt: writtenAtOf(await statOf(path)), chunks: () => readChunks(path, stdin) }
    }),
  )
}

/** Each line behind the file that it stands in, as `grep -r '' .` prints them. */
async function* joined(folder: string, files: readonly string[], stdin: Readable): AsyncGenerator<Buffer> {
  for (const file of files) {
    const splitter = new LineSplitter()
    const lines = (read: readonly string[]) => Buffer.from(read.map(line => `${file}:${line}\n`).join(''))
    for await (const chunk of readChunks(join(folder, file), stdin)) yield lines(splitter.push(chunk))
    yield lines(splitter.end())
  }
}

const TRACKERS: readonly Tracker[] = [
  {
    name: 'Weights & Biases',
    runOf: file => (file.endsWith('.wandb') ? dirname(file) : undefined),
    inputs: plainInputs,
  },
  {
    name: 'MLflow',
    runOf: file =>
      /^(?:(.*)\/)?(?:metrics|params)\/./
        .exec(file)
        ?.slice(1)
        .map(run => run ?? '.')[0],
    async inputs(folder, files, stdin) {
      const run = [...files, 'meta.yaml']
      const there = await Promise.all(run.map(file => statOf(join(folder, file))))
      const writtenAt = there.map(writtenAtOf).reduce((newest, at) => Math.max(newest, at), 0)
      const read = run.filter((_, place) => there[place] !== undefined)
      return [{ name: folder, writtenAt, chunks: () => joined(folder, read, stdin) }]
    },
  },
  {
    name: 'TensorBoard',
    runOf: file => {
      const folder = dirname(file)
      const isEvents = posix.basename(file).includes('.tfevents.') && !HELD_OUT.test(folder)
      return isEvents ? folder.replace(OF_WRITER, '') || '.' : undefined
    },
    inputs: plainInputs,
  },
]

/** Paths of the plain files below, without links, so that `latest-run` does not come twice. */
async function filesBelow(folder: string, prefix = '', depth = 0): Promise<string[]> {
  const files: string[] = []
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const path = posix.join(prefix, entry.name)
    if (entry.isFile()) files.push(path)
    else if (entry.isDirectory() && depth < MOST_DEPTH) files.push(...(await filesBelow(folder, path, depth + 1)))
    if (files.length > MOST_FILES)
      throw new PlumblineError(`more than ${MOST_FILES} files below ${folder}`, { fix: 'name the folder of one run' })
  }
  return files.sort()
}

async function folderInputs(folder: string, stdin: Readable): Promise<Input[]> {
  const files = await filesBelow(folder)
  for (const tracker of TRACKERS) {
    const runs = new Map<string, string[]>()
    for (const file of files) {
      const run = tracker.runOf(file)
      if (run !== undefined) runs.set(run, [...(runs.get(run) ?? []), posix.relative(run, file)])
    }
    const [first, ...others] = [...runs].sort(([one], [other]) => (one < other ? -1 : 1))
    if (first === undefined) continue
    if (others.length === 0) return tracker.inputs(join(folder, first[0]), first[1], stdin)
    const names = [first, ...others].map(([run]) => join(folder, run))
    throw new PlumblineError(`${names.length} runs of ${tracker.name} in ${folder}`, {
      fix: `name one: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`,
    })
  }
  throw new PlumblineError(`no run of ${TRACKERS.map(({ name }) => name).join(', ')} in the folder ${folder}`, {
    fix: 'name the files in it',
  })
}

/**
 * What is read of a path: the file, the run in the folder or database, `-` for standard input. Throws a PlumblineError where a
 * folder or a database holds no run, or several.
 */
export async function inputsOf(path: string, stdin: Readable): Promise<Input[]> {
  const about = path === '-' ? undefined : await statOf(path)
  if (about?.isDirectory() === true) return folderInputs(path, stdin)
  const inDatabase = path === '-' ? undefined : await databaseInputs(path)
  if (inDatabase !== undefined) return inDatabase
  const writtenAt = path === '-' ? Date.now() / 1000 : writtenAtOf(about)
  return [{ name: path, writtenAt, chunks: () => readChunks(path, stdin) }]
}
