/**
 * A memory snapshot of 500 MB, and a bomb of 120 MB: seconds and peak of resident memory, each read in a process of its own.
 * Beside it Python on the same file: `pickle.load`, which makes everything, and `pickletools.genops` on its first tenth, which
 * only names the opcodes.
 *
 *     npm run bench:snapshot [-- MEGABYTES]
 */
import { spawnSync } from 'node:child_process'
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../base/errors'
import { memoryOf } from '../../collectors/evidence/snapshot'
import { readSnapshot } from '../../collectors/evidence/snapshot-read'

const PYTHON = '/usr/bin/python3'
/** MiB of a process's highest resident memory: what getrusage says includes that of whoever started it. */
const HIGHEST = "int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()).group(1)) / 1024"
const LOAD = `import pickle, re, sys, time
began = time.process_time()
with open(sys.argv[1], 'rb') as file: value = pickle.load(file)
print(time.process_time() - began, ${HIGHEST})`
const GENOPS = `import io, pickletools, re, sys, time
with open(sys.argv[1], 'rb') as file: head = file.read(int(sys.argv[2]))
began = time.process_time()
try:
    for _ in pickletools.genops(io.BytesIO(head)): pass
except ValueError: pass
print(time.process_time() - began, ${HIGHEST})`

/** Processor seconds and MiB of a child that prints both. */
function figuresOf(command: string, ...words: string[]): [seconds: number, mebibytes: number] {
  const { stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' })
  const [seconds = NaN, mebibytes = NaN] = stdout.trim().split(' ').map(Number)
  if (Number.isNaN(seconds)) throw new Error(stderr)
  return [seconds, mebibytes]
}

/** In the child: reads one file and prints what it took. */
async function readOne(path: string): Promise<void> {
  const before = process.cpuUsage()
  let said = ''
  try {
    const snapshot = await readSnapshot(createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>)
    if (snapshot !== undefined) said = `${memoryOf(snapshot).length} device`
  } catch (error) {
    said = messageOf(error)
  }
  const { user, system } = process.cpuUsage(before)
  const [, highest] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  console.log(`${(user + system) / 1e6} ${Number(highest) / 1024}`)
  console.error(said)
}

function main(megabytes: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-snapshot-'))
  try {
    const file = join(folder, 'snapshot.pickle')
    const made = spawnSync(PYTHON, [join(import.meta.dirname, 'make-snapshot.py'), file, String(megabytes)])
    if (made.status !== 0) throw new Error(made.stderr.toString())
    const bomb = join(folder, 'bomb.pickle')
    writeFileSync(
      bomb,
      Buffer.concat([Buffer.from('\x80\x04]\x94(', 'latin1'), Buffer.alloc(120e6, ']\x94', 'latin1')]),
    )
    const bytes = statSync(file).size
    const self = ['--import', 'tsx', import.meta.filename, '--read']
    const head = Math.floor(bytes / 10)
    const rows = [
      ['plumbline', bytes, ...figuresOf(process.execPath, ...self, file)],
      ['pickle.load', bytes, ...figuresOf(PYTHON, '-c', LOAD, file)],
      ['pickletools.genops', head, ...figuresOf(PYTHON, '-c', GENOPS, file, String(head))],
      ['plumbline, a bomb', 120e6, ...figuresOf(process.execPath, ...self, bomb)],
    ] as const
    const rate = ([, size, seconds]: (typeof rows)[number]) => size / 1e6 / seconds
    for (const row of rows) {
      const [name, size, seconds, mebibytes] = row
      const figures = [`${(size / 1e6).toFixed(0)} MB`, `${seconds.toFixed(1)} s`, `${rate(row).toFixed(1)} MB/s`]
      console.log([name.padEnd(20), ...figures.map(text => text.padStart(11)), `${mebibytes.toFixed(0)} MiB`].join(' '))
    }
    console.log(
      `processor time; × pickle.load ${(rate(rows[0]) / rate(rows[1])).toFixed(2)}, × genops ${(rate(rows[0]) / rate(rows[2])).toFixed(1)}, memory × pickle.load ${(rows[0][3] / rows[1][3]).toFixed(3)}`,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const [what, path = ''] = process.argv.slice(2)
if (what === '--read') await readOne(path)
else if (!existsSync(PYTHON)) console.log(`${PYTHON} is not there: the snapshot is made by it`)
else main(Number(what ?? 500))
