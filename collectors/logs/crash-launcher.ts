/** What launchers and the system say of a process that died: torchrun, srun, signals. */
import type { WireRecord } from '../../wire/records'
import type { LogLine } from './format'

export type RootCause = { rank: number | null }

/** 128 + signal where a signal ended it, as a shell says. */
const exitCodeOf = (code: number) => (code < 0 ? 128 - code : code)

const ROOT_CAUSE = /^Root Cause \(first observed failure\):$/
const FAILED = /\bfailed \(exitcode: (-?\d{1,6})\) local_rank: (\d{1,6}) \(pid: \d{1,10}\) of binary: /
const REPORT_RANK = /^ {1,8}rank {1,12}: (\d{1,8}) \(local_rank: \d{1,8}\)$/
const REPORT_EXIT = /^ {1,8}exitcode {1,12}: (-?\d{1,6}) \(pid: \d{1,10}\)$/
const REPORT_REST = /^ {1,8}(?:time|host|error_file|traceback) {0,12}: .{0,1000}$|^\[\d{1,6}\]:$/
const SRUN =
  /^srun: error: (\S{1,256}): tasks? ([\d,-]{1,200}): (?:Exited with exit code (\d{1,6})|(Killed|Terminated|Segmentation fault|Aborted|Bus error)(?: \(core dumped\))?)$/
const SIGNALS: Readonly<Record<string, number>> = {
  Killed: 137,
  Terminated: 143,
  'Segmentation fault': 139,
  Aborted: 134,
  'Bus error': 135,
}

function readReport(text: string, state: { rootCause: RootCause | null }): WireRecord[] | undefined {
  if (ROOT_CAUSE.test(text)) {
    state.rootCause = { rank: null }
    return []
  }
  const rank = REPORT_RANK.exec(text)
  const exit = REPORT_EXIT.exec(text)
  const cause = state.rootCause
  if (rank !== null && cause !== null) cause.rank = Number(rank[1])
  if (exit !== null && cause !== null) {
    state.rootCause = null
    const exitCode = exitCodeOf(Number(exit[1]))
    const message = `rank ${cause.rank ?? 'unknown'} failed first, with exit code ${exitCode}`
    return [{ kind: 'event', type: 'crash', rank: cause.rank ?? undefined, exitCode, message }]
  }
  return rank !== null || exit !== null || REPORT_REST.test(text) ? [] : undefined
}

function readSrun(text: string): WireRecord[] | undefined {
  const match = SRUN.exec(text)
  if (match === null) return undefined
  const exitCode = match[3] === undefined ? SIGNALS[match[4] ?? ''] : Number(match[3])
  const rank = /^\d{1,8}$/.test(match[2] ?? '') ? Number(match[2]) : undefined
  return [{ kind: 'event', type: 'crash', node: match[1], rank, exitCode, message: text }]
}

/** Others who tell how a process ended: a container's runtime, an IDE, mpirun, multiprocessing, a shell. */
const ENDED: readonly { readonly pattern: RegExp; readonly signal?: true }[] = [
  {
    pattern: /\b(?:terminated with|exited with|finished with|command terminated with) exit code \(?(?<code>\d{1,3})\)?/,
  },
  { pattern: /^\s{0,40}Exit Code: {1,40}(?<code>\d{1,3})$/ },
  { pattern: /\bexited with code (?<code>\d{1,3})\b/ },
  {
    pattern:
      /\bprocess rank (?<rank>\d{1,8}) with PID \d{1,10} on node (?<node>\S{1,256}) exited on signal (?<code>\d{1,3})\b/,
    signal: true,
  },
  { pattern: /ProcessExitedException: process (?<rank>\d{1,8}) terminated with signal (?<name>SIG[A-Z]{2,10})/ },
  { pattern: /\bline \d{1,8}: {1,8}\d{1,10} (?<name>Killed|Segmentation fault|Aborted|Bus error|Terminated)\b/ },
]
const NAMES: Readonly<Record<string, number>> = { SIGKILL: 137, SIGSEGV: 139, SIGABRT: 134, SIGBUS: 135, SIGTERM: 143 }

function readEnded(text: string): WireRecord[] | undefined {
  for (const { pattern, signal } of ENDED) {
    const groups = pattern.exec(text)?.groups
    if (groups === undefined) continue
    const { code, name = '', rank, node } = groups
    const exitCode = code === undefined ? (SIGNALS[name] ?? NAMES[name]) : Number(code) + (signal === true ? 128 : 0)
    if (exitCode === undefined || exitCode === 0) return []
    return [
      {
        kind: 'event',
        type: 'crash',
        rank: rank === undefined ? undefined : Number(rank),
        node,
        exitCode,
        message: text.trim().slice(0, 2000),
      },
    ]
  }
  return undefined
}

export function readLauncher(text: string, state: { rootCause: RootCause | null }): WireRecord[] | undefined {
  const failed = FAILED.exec(text)
  if (failed === null) return readReport(text, state) ?? readSrun(text) ?? readEnded(text.slice(0, 2000))
  return [
    { kind: 'event', type: 'crash', exitCode: exitCodeOf(Number(failed[1])), message: text.trim().slice(0, 4000) },
  ]
}

const FATAL =
  /^(?:Fatal Python error: \S.{0,400}|terminate called (?:after throwing an instance of .{1,200}|without an active exception)|(?:Segmentation fault|Aborted|Bus error|Killed)(?: \(core dumped\))?|slurmstepd: error: \*\*\* (?:JOB|STEP) .{1,400})$/
/** Said beside a timeout that has its own line. */
const BESIDE =
  /Some NCCL operations have failed or timed out|To avoid data inconsistency, we are taking the entire process down|Timeout at NCCL work: \d/

export function readFatal({ text, rank }: LogLine): WireRecord[] | undefined {
  const short = text.slice(0, 2000)
  if (FATAL.test(short)) {
    const exitCode = SIGNALS[short.replace(/ \(core dumped\)$/, '')]
    return [{ kind: 'event', type: 'crash', rank, exitCode, message: short }]
  }
  return BESIDE.test(short) ? [] : undefined
}
