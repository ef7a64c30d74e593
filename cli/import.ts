/** `plumbline import`: a finished or crashed run from its files, sent to the hub as an agent sends what it sees. */
import { basename } from 'node:path'
import { PlumblineError } from '../base/errors'
import type { Counts } from '../collectors/form'
import type { ImportResult } from '../wire/api'
import type { EvidenceAbout } from '../wire/messages'
import type { WireRecord } from '../wire/records'
import { defineCommand } from './command'
import { reachedHub } from './hub-answers'
import { importedRun, type ImportedFile } from './imported-run'
import { startMessenger } from './messenger'
import { parseChunks, readersNamed } from './parse'
import { forms } from '../collectors/forms/index'
import type { LogFormat } from '../collectors/logs/format'
import { formatsWith, type UserPattern } from '../collectors/logs/user-pattern'
import { inputsOf, type Input } from './run-folder'
import { newRunId } from './run-id'

const FLUSH_MS = 120_000
/** Lines of a log that come with what they tell. */
const MOST_LINES = 5000
/** Rows that are handed over at a time, so that the agent's batches stay small. */
const ROWS = 50_000

export interface ImportRequest {
  readonly files: readonly string[]
  /** '' for the name of the first file. */
  readonly name: string
  readonly node: string | undefined
  readonly hub: string
  readonly token: string
  readonly data: string
  readonly log: (line: string) => void
  readonly logFormats?: readonly UserPattern[]
}
/** Forms whose files the hub keeps as they are, for the pages that look into them. */
const KEPT: Readonly<Record<string, EvidenceAbout['kind']>> = {
  'torch-snapshot': 'memory-snapshot',
  'plumbline-black-box': 'black-box',
}

type ReadFile = ImportedFile & Counts & { readonly file: string; readonly form?: string }

/** Without the lines of long ago: how a run ended is what one reads its log for. */
function withNewestLines(records: WireRecord[]): WireRecord[] {
  let left = records.filter(({ kind }) => kind === 'line').length - MOST_LINES
  return left <= 0 ? records : records.filter(({ kind }) => kind !== 'line' || (left -= 1) < 0)
}

/** Of several files, which it is. */
function naming(name: string, error: unknown): unknown {
  if (!(error instanceof PlumblineError) || error.message.includes(name)) return error
  return new PlumblineError(`${name}: ${error.message}`, { fix: error.fix, cause: error })
}

async function readInput({ name, chunks, writtenAt }: Input, formats: readonly LogFormat[]): Promise<ReadFile> {
  let records: WireRecord[] = []
  let lines = 0
  const write = (more: readonly WireRecord[]) => {
    for (const record of more) records.push(record)
    lines += more.filter(({ kind }) => kind === 'line').length
    if (lines > 2 * MOST_LINES) {
      records = withNewestLines(records)
      lines = MOST_LINES
    }
    return Promise.resolve()
  }
  const counts = await parseChunks(chunks(), {
    ...readersNamed(undefined, forms, formats),
    write,
    tells: basename(name),
  }).catch((error: unknown) => {
    throw naming(name, error)
  })
  return { ...counts, file: name, records: withNewestLines(records), writtenAt }
}

/** The rank that a file's name says, as the hook, torchtitan and most scripts write it, and the node that its records do. */
function whereOf({ file, records }: ReadFile): Pick<EvidenceAbout, 'rank' | 'node'> {
  const rank = /rank[-_]?(\d{1,7})(?!\d)/i.exec(basename(file))?.[1]
  const node = records.map(record => ('node' in record ? record.node : undefined)).find(one => one !== undefined)
  return { ...(rank !== undefined && { rank: Number(rank) }), ...(node !== undefined && { node }) }
}

async function send(
  records: readonly WireRecord[],
  files: readonly ReadFile[],
  run: string,
  request: ImportRequest,
): Promise<void> {
  const { hub, token, data, log } = request
  const agent = await startMessenger({
    hub,
    token,
    data,
    spool: `import-${run}`,
    spoolBytes: 4 * 1024 ** 3,
    isPast: true,
    run,
    synthetic: false,
    log,
  })
  for (let at = 0; at < records.length; at += ROWS) {
    for (const record of records.slice(at, at + ROWS)) agent.add(record)
    // A turn of the loop for each lump: the agent writes it to its spool meanwhile.
    await new Promise(resolve => setTimeout(resolve, 300))
  }
  for (const read of files) {
    const { file, form = '', writtenAt } = read
    const kind = KEPT[form]
    if (kind !== undefined && file !== '-')
      agent.keep(file, { run, kind, name: basename(file), time: writtenAt, ...whereOf(read) })
  }
  const { pending } = await agent.stop({ flushMs: FLUSH_MS, unreachedMs: FLUSH_MS })
  if (pending > 0)
    throw new PlumblineError(`${pending} batches were not taken by the hub at ${hub}`, {
      fix: `they wait in ${data}/spool; the next agent here sends them`,
    })
}

/** As the request says, else as a file says of its run, else that of the first file. */
function nameOf({ name, files }: ImportRequest, read: readonly ReadFile[]): string {
  if (name !== '') return name
  for (const { records } of read)
    for (const record of records) if (record.kind === 'run' && record.name !== undefined) return record.name
  return basename(files[0] ?? '').replace(/^-$/, 'standard input')
}

/** Reads files as `parse` does and makes one run of them. Throws where nothing in them is understood. */
export async function importRun(request: ImportRequest): Promise<ImportResult> {
  const read = []
  const formats = formatsWith(request.logFormats)
  for (const path of request.files)
    for (const input of await inputsOf(path, process.stdin)) read.push(await readInput(input, formats))
  const files = read.map(({ file, records, linesRead, linesUnread }) => ({
    file,
    records: records.filter(({ kind }) => kind !== 'line').length,
    linesRead,
    linesUnread,
  }))
  if (files.every(({ records }) => records === 0))
    throw new PlumblineError(`nothing in ${files.length === 1 ? 'the file' : 'the files'} was understood`, {
      fix: 'see with `plumbline parse FILE` what is read of each',
    })
  const run = newRunId()
  const records = importedRun(read, { run, name: nameOf(request, read), node: request.node ?? `import-${run}` })
  await send(records, read, run, request)
  return {
    run,
    files,
    steps: new Set(records.flatMap(record => (record.kind === 'step' ? [record.step] : []))).size,
    events: records.flatMap(record => (record.kind === 'event' ? [record.type ?? 'event'] : [])),
  }
}

function describe({ run, files, steps, events }: ImportResult, hub: string): string {
  const counted = new Map<string, number>()
  for (const event of events) counted.set(event, (counted.get(event) ?? 0) + 1)
  const words = [...counted].map(([type, count]) => (count === 1 ? type : `${count} × ${type}`))
  return [
    ...files.map(({ file, records, linesRead, linesUnread }) => {
      return `${file}: ${records} records of ${linesRead} lines, ${linesUnread} lines not read`
    }),
    `${steps} steps; events: ${words.join(', ') || 'none'}`,
    `${hub}/runs/${run}`,
  ].join('\n')
}

export const command = defineCommand({
  settings: ['hub', 'port', 'token', 'data'],
  configure: command => {
    command
      .argument(
        '<file...>',
        'logs, SMI output and whatever else `parse` reads, may be gzip or zip; a run folder of W&B, TensorBoard or MLflow; - is standard input',
      )
      .option('--name <name>', 'the name of the run; its own where a file says one, else that of the first file')
      .option('--node <name>', 'the node of what names none')
  },
  async run({ arguments: files, options, settings }) {
    const hub = await reachedHub(settings)
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
    const result = await importRun({
      files,
      hub,
      token: settings.token,
      data: settings.data,
      name: text(options['name']) ?? '',
      node: text(options['node']),
      log: () => undefined,
      logFormats: settings.logFormats,
    })
    if (options['json'] === true) console.log(JSON.stringify({ ...result, url: `${hub}/runs/${result.run}` }))
    else console.log(describe(result, hub))
    return 0
  },
})
