/**
 * How much memory hostile and huge files take: the highest resident memory and the processor seconds of a process that reads
 * one, beside a limit. Files are made as they are read; those that end in `.gz` go through the reader's own unpacking.
 *
 *     npm run bench:memory [-- MEGABYTES]
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { parseChunks } from '../../cli/parse'
import { inputsOf } from '../../cli/run-folder'
import { forms } from '../../collectors/forms/index'
import { formats } from '../../collectors/logs/index'

const PIECE = 1024 * 1024
/** What a process may take that has loaded every parser and reads by the piece. */
const LIMIT_MEBIBYTES = 640

/** A head, then the same piece until the file is as large as asked for. */
interface Case {
  readonly what: string
  readonly file: string
  readonly head: string
  readonly piece: string
  readonly tail?: string
}

const EVENT = (at: number) =>
  `{"ph":"X","cat":"kernel","name":"void gemm_${at % 50}","pid":0,"tid":7,"ts":${1_000_000 + at},"dur":1,"args":{"stream":7,"correlation":${at},"device":0}},`
/** A log in which nvidia-smi was called again and again. */
const CALLED = `${Array.from({ length: 20_000 }, (_, at) => `step: ${at} loss: 2.3 step_time: 0.5\n`).join('')}timestamp, index, name, utilization.gpu [%]
${'2026/11/23 17:35:01.000, 0, NVIDIA H100 80GB HBM3, 97 %\n'.repeat(2000)}`
const CASES: readonly Case[] = [
  { what: 'a log in which a tool was called', file: 'called.log', head: '', piece: CALLED },
  { what: 'a line without an end', file: 'endless.log', head: 'step: 1 loss: 2.3\n', piece: 'x' },
  { what: 'a line of digits without an end', file: 'digits.log', head: '', piece: '1' },
  { what: 'empty lines', file: 'empty.log', head: '', piece: '\n' },
  { what: 'a bomb: zeros', file: 'bomb.log.gz', head: '', piece: '\0' },
  {
    what: 'a bomb behind the head of nvidia-smi -x',
    file: 'bomb.xml.gz',
    head: '<?xml version="1.0" ?>\n<nvidia_smi_log>\n<timestamp>Mon</timestamp>\n',
    piece: '<gpu>',
  },
  {
    what: 'a bomb behind the head of an exporter’s page',
    file: 'bomb.prom.gz',
    head: 'DCGM_FI_DEV_GPU_TEMP{gpu="0"} 40\n',
    piece: '#',
  },
  {
    what: 'a trace of Kineto',
    file: 'trace.json',
    head: '{"schemaVersion": 1, "traceEvents": [\n',
    piece: Array.from({ length: 6000 }, (_, at) => EVENT(at)).join('\n'),
    tail: '{"ph":"X","cat":"kernel","name":"end","pid":0,"tid":7,"ts":1,"dur":1}\n]}\n',
  },
  {
    what: 'the same, packed',
    file: 'trace.json.gz',
    head: '{"schemaVersion": 1, "traceEvents": [\n',
    piece: Array.from({ length: 6000 }, (_, at) => EVENT(at)).join('\n'),
    tail: '{"ph":"X","cat":"kernel","name":"end","pid":0,"tid":7,"ts":1,"dur":1}\n]}\n',
  },
]

function* contentOf({ head, piece, tail }: Case, bytes: number): Iterable<Buffer> {
  yield Buffer.from(head)
  const one = Buffer.from(piece.repeat(Math.max(1, Math.round(PIECE / piece.length))))
  for (let at = 0; at < bytes; at += one.length) yield one
  yield Buffer.from(tail ?? '')
}

async function make(one: Case, folder: string, bytes: number): Promise<string> {
  const path = join(folder, one.file)
  const from = Readable.from(contentOf(one, bytes))
  if (path.endsWith('.gz')) await pipeline(from, createGzip({ level: 1 }), createWriteStream(path))
  else await pipeline(from, createWriteStream(path))
  return path
}

/** In the child: reads one file as `plumbline parse` does and prints what it took. */
async function readOne(path: string): Promise<void> {
  const before = process.cpuUsage()
  let records = 0
  let form = 'a log'
  for (const { chunks } of await inputsOf(path, process.stdin))
    try {
      const read = await parseChunks(chunks(), {
        forms: [...forms],
        formats: [...formats],
        write: more => {
          records += more.length
          return Promise.resolve()
        },
      })
      form = read.form ?? form
    } catch (error) {
      form = String(error).slice(0, 60)
    }
  const { user, system } = process.cpuUsage(before)
  const [, highest] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  console.log(JSON.stringify({ seconds: (user + system) / 1e6, mebibytes: Number(highest) / 1024, records, form }))
}

async function main(megabytes: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-memory-'))
  let beyond = 0
  console.log(`${megabytes} MB each; at most ${LIMIT_MEBIBYTES} MiB`)
  try {
    for (const one of CASES) {
      const path = await make(one, folder, megabytes * 1e6)
      const child = spawnSync(process.execPath, [...process.execArgv, import.meta.filename, '--read', path], {
        encoding: 'utf8',
      })
      rmSync(path)
      if (child.status !== 0) throw new Error(`${one.what}: ${child.stderr.slice(-400)}`)
      const { seconds, mebibytes, records, form } = JSON.parse(child.stdout) as Record<string, number | string>
      const within = Number(mebibytes) <= LIMIT_MEBIBYTES
      if (!within) beyond += 1
      console.log(
        one.what.padEnd(46),
        `${Number(mebibytes).toFixed(0)} MiB`.padStart(9),
        `${(Number(mebibytes) / LIMIT_MEBIBYTES).toFixed(2)} of the limit`.padStart(18),
        `${Number(seconds).toFixed(1)} CPU s`.padStart(12),
        ` ${records} records, ${form}${within ? '' : '  BEYOND'}`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  return beyond
}

const [first = '1000', path] = process.argv.slice(2)
if (first === '--read' && path !== undefined) await readOne(path)
else process.exitCode = (await main(Number(first))) > 0 ? 1 : 0
