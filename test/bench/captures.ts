/**
 * Reads every capture of real tools and prints, for each kind: files read, records, lines understood, fields filled of those
 * that the files hold by a count apart from the parsers (`held.ts`), numbers that are derived from what a file says, numbers that
 * no file says (`said.ts`), and files that were claimed by another tool's form. A file without a byte is read as it is.
 *
 *     npm run bench:captures [-- FOLDER]                    folders by tool, as the captures are
 *     npm run bench:captures -- test/fixtures/logs          folders by framework: any logs, by the format that reads them
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseChunks } from '../../cli/parse'
import { forms } from '../../collectors/forms/index'
import { formats } from '../../collectors/logs/index'
import type { WireRecord } from '../../wire/records'
import { heldIn } from './held'
import { beyond } from './said'

const root = process.argv[2] ?? join(import.meta.dirname, '../../../shared/captures')
/** Tools whose output a folder holds, where it is not named after the tool; `log` for what is read line by line. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  dcgm: ['dcgm', 'prometheus', 'dcgmi'],
  dmesg: ['log'],
  'exporter-pages': ['prometheus'],
  'proc-net-dev': ['proc-net-dev', 'proc'],
  'sysfs-drm': ['amdgpu', 'sysfs-drm'],
  'sysfs-infiniband': ['sysfs'],
  // One of its files is of rocm-smi.
  'nvidia-smi-topo': ['nvidia-smi', 'rocm-smi'],
  'rocm-smi-json': ['rocm-smi'],
  'rocm-smi-text': ['rocm-smi'],
}
const toolsOf = (folder: string) => TOOLS[folder] ?? [folder.startsWith('nvidia-smi') ? 'nvidia-smi' : folder]

interface Tally {
  files: number
  read: string[]
  unread: string[]
  wrong: string[]
  records: number
  held: number
  filled: number
  missing: string[]
  derived: string[]
  unsaid: string[]
  linesRead: number
  linesUnread: number
}

/** Values by field, as `held.ts` names and counts them: each process of a list is one. */
function filledBy(records: readonly WireRecord[]): Map<string, number> {
  const filled = new Map<string, number>()
  for (const record of records)
    for (const [name, value] of Object.entries(record)) {
      if (value === undefined) continue
      const field = `${record.kind}.${name}`
      const count = name === 'processes' && Array.isArray(value) ? value.length : 1
      filled.set(field, (filled.get(field) ?? 0) + count)
    }
  return filled
}

function compare(folder: string, name: string, text: string, records: readonly WireRecord[], tally: Tally): void {
  const filled = filledBy(records)
  for (const [field, held] of heldIn(folder, text)) {
    const read = Math.min(held, filled.get(field) ?? 0)
    tally.held += held
    tally.filled += read
    if (read < held) tally.missing.push(`${name}: ${field} ${read} of ${held}`)
  }
  const { derived, unsaid } = beyond(text, records)
  tally.derived.push(...derived.map(value => `${name}: ${value}`))
  tally.unsaid.push(...unsaid.map(value => `${name}: ${value}`))
}

/** The framework of a log where the folder is named after one of the formats; else `log`. */
function formatOf(records: readonly WireRecord[], tools: readonly string[]): string {
  if (!tools.some(tool => formats.get(tool) !== undefined)) return 'log'
  const sources = records.flatMap(record =>
    record.kind === 'step' && record.source !== undefined ? [record.source] : [],
  )
  const alien = sources.find(source => formats.get(source) !== undefined && !tools.includes(source))
  return alien ?? tools[0] ?? 'log'
}

async function readFile(path: string, tools: readonly string[], tally: Tally): Promise<void> {
  const bytes = readFileSync(path)
  const text = bytes.toString('utf8')
  const owner = [...forms].find(form => form.claims({ bytes, text }))
  const records: WireRecord[] = []
  async function* chunks() {
    yield await Promise.resolve(bytes)
  }
  const write = (more: readonly WireRecord[]) => Promise.resolve(void records.push(...more))
  const counts = await parseChunks(chunks(), { forms: [...forms], formats: [...formats], write })
  const name = path.slice(root.length + 1)
  tally.files += 1
  // A log that is understood and tells of no trouble is read; one line in a hundred is no log of ours.
  const isLog = records.length > 0 || (counts.linesRead > 0 && counts.linesRead > counts.linesUnread)
  const tool =
    owner?.tool ?? (bytes.length === 0 ? tools[0] : undefined) ?? (isLog ? formatOf(records, tools) : undefined)
  if (tool === undefined) tally.unread.push(name)
  else if (tools.includes(tool)) tally.read.push(name)
  else tally.wrong.push(`${name} as ${owner?.name ?? 'a log'}`)
  tally.records += records.length
  compare(name.split('/')[0] ?? '', name, text, records, tally)
  tally.linesRead += counts.linesRead
  tally.linesUnread += counts.linesUnread
}

if (!existsSync(root)) {
  console.log(`there are no captures at ${root}; name their folder`)
  process.exit(0)
}
const emptyTally = (): Tally => ({
  files: 0,
  read: [],
  unread: [],
  wrong: [],
  records: 0,
  held: 0,
  filled: 0,
  missing: [],
  derived: [],
  unsaid: [],
  linesRead: 0,
  linesUnread: 0,
})
const all = { files: 0, read: 0, wrong: 0, held: 0, filled: 0, derived: 0, unsaid: 0 }
const details: string[] = []
console.log(
  'captures'.padEnd(22),
  'files',
  ' read',
  'wrong',
  'records',
  'fields filled of held',
  'derived',
  'unsaid',
  'lines understood',
)
for (const folder of readdirSync(root).filter(name => statSync(join(root, name)).isDirectory())) {
  const tally = emptyTally()
  for (const name of readdirSync(join(root, folder)).filter(file => !file.endsWith('.jsonl')))
    await readFile(join(root, folder, name), toolsOf(folder), tally)
  const { files, read, wrong, unread, records, held, filled, linesRead, linesUnread } = tally
  const lines = linesRead + linesUnread
  console.log(
    folder.padEnd(22),
    ...[String(files).padStart(5), String(read.length).padStart(5), String(wrong.length).padStart(5)],
    ...[String(records).padStart(7), (held === 0 ? '–' : `${filled} of ${held}`).padStart(21)],
    String(tally.derived.length).padStart(7),
    String(tally.unsaid.length).padStart(6),
    `${linesRead} of ${lines}${lines === 0 ? '' : ` (${((100 * linesRead) / lines).toFixed(0)} %)`}`.padStart(24),
  )
  all.files += files
  all.read += read.length
  all.wrong += wrong.length
  all.held += held
  all.filled += filled
  all.derived += tally.derived.length
  all.unsaid += tally.unsaid.length
  details.push(
    ...wrong.map(one => `wrong claim: ${one}`),
    ...unread.map(one => `not read: ${one}`),
    ...tally.missing.map(one => `not filled: ${one}`),
    ...tally.derived.map(one => `derived: ${one}`),
    ...tally.unsaid.map(one => `not said by the file: ${one}`),
  )
}
console.log(details.join('\n'))
console.log(`${all.read} of ${all.files} files read, ${all.wrong} wrong claims`)
console.log(
  `${all.filled} of ${all.held} fields filled that the files hold, ${all.derived} derived, ${all.unsaid} that no file says`,
)
