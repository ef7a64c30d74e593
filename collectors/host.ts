/**
 * The one door to the machine: only this file starts processes, and only it and `machine/` read files and ask
 * servers for collectors. A
 * test hands in a fake Host; nothing else needs faking.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { delimiter, join } from 'node:path'
import { unixSeconds } from '../base/clock'
import { messageOf } from '../base/errors'
import { readRange, readText, statFile, type FileStat } from './machine/files'
import { glob } from './machine/glob'
import { fetchText, type Fetched, type FetchLimits } from './machine/http'
import { lineSplitter } from './machine/lines'

export interface ChildEvents {
  /** One line of standard output without its line end. Lines over 1 MiB come cut, and are marked as such by `warn`. */
  line(text: string): void
  /** One line of standard error. */
  errorLine(text: string): void
  /** Once. `error` where the program could not be started at all. */
  exit(result: { code: number | null; signal: string | null; error?: string }): void
  /** Something odd about the stream itself, such as a line that was cut. */
  warn?(message: string): void
}

export interface Child {
  readonly pid: number | undefined
  /** SIGTERM, then SIGKILL after two seconds; resolves when it is gone. */
  stop(): Promise<void>
}

export interface Host {
  readonly hostname: string
  /** Seconds since the Unix epoch. */
  now(): number
  /** The text of a small file (default limit 1 MiB), undefined where it is missing or may not be read. */
  read(path: string, maxBytes?: number): Promise<string | undefined>
  /** Bytes from an offset on, at most `length`; empty at the end. Throws when the file is gone. */
  readRange(path: string, offset: number, length: number): Promise<Buffer>
  stat(path: string): Promise<FileStat | undefined>
  /** Names in a folder, sorted; empty where it is missing. */
  list(folder: string): Promise<readonly string[]>
  /** Files that match a glob (`*`, `?`, `**`, `{a,b}`), sorted; a plain path gives itself when it exists. */
  glob(pattern: string): Promise<readonly string[]>
  /** Runs to the end. Never throws: `error` says that it could not start or timed out. Output over 8 MiB is cut. */
  run(
    command: string,
    args: readonly string[],
    timeoutMs: number,
  ): Promise<{ code: number | null; stdout: string; stderr: string; error?: string }>
  /** The text behind an HTTP address. Never throws; bounded in time and size, and not led away to another host. */
  fetch(url: string, limits: FetchLimits): Promise<Fetched>
  /** Starts a long-lived child in the agent's care: it is killed when the agent exits, even by SIGKILL where the system can. */
  spawn(command: string, args: readonly string[], events: ChildEvents): Child
}

const MAX_OUTPUT_CHARACTERS = 8 * 1024 * 1024
const KILL_AFTER_MS = 2_000
/** Output that a grandchild still holds open is given up so long after the child itself is gone. */
const DRAIN_MS = 500

/** The machine that this process runs on. */
export function localHost(): Host {
  return {
    hostname: hostname(),
    now: unixSeconds,
    read: readText,
    readRange,
    stat: statFile,
    list: async folder => (await readdir(folder).catch(() => [])).sort(),
    glob,
    run,
    fetch: fetchText,
    spawn: spawnChild,
  }
}

/** Groups of children that live: killed when this process ends by itself or by `process.exit`. */
const living = new Set<number>()
let watching = false

function care(pid: number): void {
  living.add(pid)
  if (watching) return
  watching = true
  process.on('exit', () => {
    for (const group of living) signalGroup(group, 'SIGKILL')
  })
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It is gone already.
  }
}

let parentDeathSignal: boolean | undefined
/**
 * When this process is killed by SIGKILL no handler runs. Two things end a child then: its next line meets a closed pipe
 * (SIGPIPE), and where util-linux's `setpriv` is there, the kernel kills it at once, even one that hangs.
 */
function diesWithParent(): boolean {
  parentDeathSignal ??=
    process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0
  return parentDeathSignal
}

/** The full path of a program: as `execvp` would find it. Undefined where it is missing or may not be run. */
function findProgram(command: string): string | undefined {
  const folders = command.includes('/') ? [''] : (process.env['PATH'] ?? '').split(delimiter)
  for (const folder of folders) {
    const path = folder === '' ? command : join(folder, command)
    try {
      accessSync(path, constants.X_OK)
      if (statSync(path).isFile()) return path
    } catch {
      // Not in this folder.
    }
  }
  return undefined
}

function start(command: string, args: readonly string[], guarded: boolean): ChildProcess | undefined {
  const program = findProgram(command)
  if (program === undefined) return undefined
  const wrapped = guarded && diesWithParent()
  const child = spawn(wrapped ? 'setpriv' : program, wrapped ? ['--pdeathsig', 'KILL', program, ...args] : [...args], {
    // A group of its own: a Ctrl-C at the terminal reaches the agent alone, and a stop reaches grandchildren too.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  })
  if (child.pid !== undefined) care(child.pid)
  return child
}

/** Calls `ended` once: when the child is gone and its output is read, or given up. Kills what is left of its group. */
function onEnd(
  child: ChildProcess,
  ended: (result: { code: number | null; signal: string | null; error?: string }) => void,
): void {
  let over = false
  const finish = (result: { code: number | null; signal: string | null; error?: string }) => {
    if (over) return
    over = true
    if (child.pid !== undefined) {
      signalGroup(child.pid, 'SIGKILL')
      living.delete(child.pid)
    }
    ended(result)
  }
  child.on('error', error => {
    if (child.pid === undefined) finish({ code: null, signal: null, error: messageOf(error) })
  })
  child.on('close', (code, signal) => finish({ code, signal }))
  child.on('exit', (code, signal) => {
    setTimeout(() => {
      if (over) return
      child.stdout?.destroy()
      child.stderr?.destroy()
      finish({ code, signal })
    }, DRAIN_MS).unref()
  })
}

const missing = (command: string) => `${command}: command not found`

function run(
  command: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<{ code: number | null; stdout: string; stderr: string; error?: string }> {
  return new Promise(resolve => {
    const output = { stdout: '', stderr: '' }
    let child: ChildProcess | undefined
    try {
      child = start(command, args, false)
    } catch (error) {
      return resolve({ code: null, ...output, error: messageOf(error) })
    }
    if (child === undefined) return resolve({ code: null, ...output, error: missing(command) })
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < MAX_OUTPUT_CHARACTERS)
          output[name] = (output[name] + text).slice(0, MAX_OUTPUT_CHARACTERS)
      })
    }
    const { pid } = child
    let late: string | undefined
    const timer = setTimeout(() => {
      late = `${command} did not end within ${timeoutMs} ms`
      if (pid !== undefined) signalGroup(pid, 'SIGKILL')
    }, timeoutMs)
    onEnd(child, ({ code, error }) => {
      clearTimeout(timer)
      const failure = late ?? error
      resolve({ code, ...output, ...(failure === undefined ? {} : { error: failure }) })
    })
  })
}

function spawnChild(command: string, args: readonly string[], events: ChildEvents): Child {
  let child: ChildProcess | undefined
  let failure = missing(command)
  try {
    child = start(command, args, true)
  } catch (error) {
    failure = messageOf(error)
  }
  if (child === undefined) {
    queueMicrotask(() => events.exit({ code: null, signal: null, error: failure }))
    return { pid: undefined, stop: () => Promise.resolve() }
  }
  const warn = (message: string) => events.warn?.(message)
  const lines = lineSplitter(text => events.line(text), warn)
  const errorLines = lineSplitter(text => events.errorLine(text), warn)
  child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errorLines.push(text))
  const gone = new Promise<void>(resolve => {
    onEnd(child, result => {
      lines.end()
      errorLines.end()
      resolve()
      events.exit(result)
    })
  })
  const { pid } = child
  return { pid, stop: () => stopGroup(pid, gone) }
}

async function stopGroup(pid: number | undefined, gone: Promise<void>): Promise<void> {
  if (pid === undefined || !living.has(pid)) return gone
  signalGroup(pid, 'SIGTERM')
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), KILL_AFTER_MS)
  await gone
  clearTimeout(timer)
}
