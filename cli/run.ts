import { mkdirSync } from 'node:fs'
import { hostname, constants } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import { startAgent, type AgentHandle } from '../agent/agent'
import { unixSeconds } from '../base/clock'
import { redact } from '../base/redact'
import { messageOf, PlumblineError } from '../base/errors'
import { localHost } from '../collectors/host'
import { collectors } from '../collectors/index'
import { GroupWatch } from '../collectors/kernel/memory-group'
import { launch, type Launched } from '../collectors/launch'
import { createLogReader, LogMemory } from '../collectors/logs/read'
import { formatsWith } from '../collectors/logs/user-pattern'
import type { RecordOf, WireRecord } from '../wire/records'
import { defineCommand, type Invocation } from './command'
import { hookFolder } from './hook-folder'
import { newRunId, runOfThisPod } from './run-id'
import { hubAnswers } from './hub-answers'
import { EXPORTS, hubUrl, type PlumblineSettings } from './settings'

const HEARTBEAT_MS = 5000
/** A script may put itself into a cgroup and be killed there soon after. */
const GROUP_MS = 500
const KILL_MS = 10_000
/** Output that a daemon holds open when the job is gone is let go of after so long without a byte. */
const OUTPUT_MS = 2_000

function jobEnvironment(run: string, hookLogs: string, data: string): NodeJS.ProcessEnv {
  const path = [hookFolder(data), process.env['PYTHONPATH']].filter(Boolean).join(delimiter)
  return {
    // Python holds back what it prints into a pipe: the log would come in lumps of 8 KiB, minutes late.
    PYTHONUNBUFFERED: '1',
    ...process.env,
    PLUMBLINE_RUN: run,
    PLUMBLINE_HOOK_DIR: hookLogs,
    PYTHONPATH: path,
  }
}

interface Job {
  readonly run: string
  readonly name: string
  readonly command: readonly string[]
  /** Where the ranks' hooks write. */
  readonly hookLogs: string
}

/** An agent that cannot start (no room, no rights) must not keep the job from running. */
async function watcher(
  job: Job,
  settings: PlumblineSettings,
  log: (line: string) => void,
): Promise<AgentHandle | undefined> {
  const { data, token, spoolBytes, intervalMs } = settings
  try {
    return await startAgent({
      host: localHost(),
      hub: hubUrl(settings),
      token,
      data,
      spool: `run-${job.run}`,
      spoolBytes,
      exports: settings,
      temporary: true,
      collectors: [...collectors],
      log,
      collectorSettings: {
        intervalMs,
        logFormats: settings.logFormats,
        scrape: settings.scrape,
        logs: [...settings.logs, join(job.hookLogs, 'rank-*.jsonl')],
        run: job.run,
        fromStart: true,
        synthetic: false,
      },
    })
  } catch (error) {
    log(`error: the run is not watched: ${messageOf(error)}`)
    return undefined
  }
}

/** Passes chunks on, waiting where the reader of our output is slow. A reader that is gone (`| head`) ends nothing. */
async function passOn(stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void> {
  const target = process[stream]
  if (target.writableEnded || target.destroyed || target.write(chunk)) return
  await new Promise<void>(resolve => {
    target.once('drain', resolve)
    target.once('error', () => resolve())
    target.once('close', resolve)
  })
}

function stamp(record: WireRecord, { run }: Job): WireRecord {
  const node = record.kind === 'config' ? {} : { node: ('node' in record ? record.node : undefined) ?? hostname() }
  return { ...record, run, ...node } as WireRecord
}

/** A word as a shell takes it: where one ends is seen, also by who looks for secrets in it. */
const quoted = (word: string) => (/^[\w./:=@%+,~^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** Ctrl-C and SIGTERM go to the whole job; a second one, or patience at an end, is a SIGKILL. */
function forwardSignals(launched: Launched): () => void {
  let asked = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const forward = (signal: NodeJS.Signals) => {
    launched.signal(asked ? 'SIGKILL' : signal)
    asked = true
    timer ??= setTimeout(() => launched.signal('SIGKILL'), KILL_MS)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, forward)
  return () => {
    clearTimeout(timer)
    for (const signal of signals) process.off(signal, forward)
  }
}

/** What is left of the group when its leader is gone: ranks of a launcher that died. */
async function endRemains(launched: Launched): Promise<void> {
  if (!launched.signal('SIGTERM')) return
  const until = Date.now() + 3000
  while (Date.now() < until && launched.signal('SIGTERM')) await new Promise(resolve => setTimeout(resolve, 100))
  launched.signal('SIGKILL')
}

function exitCodeOf(result: Awaited<Launched['ended']>): number {
  if (result.error !== undefined) return result.error.code === 'ENOENT' ? 127 : 126
  return result.signal === null ? (result.code ?? 1) : 128 + constants.signals[result.signal]
}

/** Before the job is there, which writes into it at once. Where it cannot be made, the spool says why. */
function makeHookLogs({ hookLogs }: Job): void {
  try {
    mkdirSync(hookLogs, { recursive: true })
  } catch {
    // The job runs all the same.
  }
}

async function watchJob(job: Job, settings: PlumblineSettings, log: (line: string) => void): Promise<number> {
  const memory = new LogMemory(formatsWith(settings.logFormats))
  const readers = {
    stdout: createLogReader({ memory, tells: 'stdout' }),
    stderr: createLogReader({ memory, tells: 'stderr' }),
  }
  const held: WireRecord[] = []
  let agent: AgentHandle | undefined
  let opening = true
  // Records that come while the agent still opens its spool wait for it.
  const add = (record: WireRecord) => {
    if (agent !== undefined) agent.add(record)
    else if (opening) held.push(record)
  }
  const tell = (fields: Partial<RecordOf<'run'>>) =>
    add({ kind: 'run', time: unixSeconds(), run: job.run, node: hostname(), name: job.name, ...fields })

  for (const stream of ['stdout', 'stderr'] as const) process[stream].on('error', () => undefined)
  makeHookLogs(job)
  const launched = launch(job.command[0] ?? '', job.command.slice(1), {
    environment: jobEnvironment(job.run, job.hookLogs, settings.data),
    async onOutput(stream, chunk) {
      await passOn(stream, chunk)
      agent?.output(stream, chunk)
      try {
        for (const record of readers[stream].push(chunk, unixSeconds())) add(stamp(record, job))
      } catch (error) {
        // Whatever a job prints, it goes on.
        log(`error: its output could not be read: ${messageOf(error)}`)
      }
    },
  })
  const stopForwarding = forwardSignals(launched)
  tell({ state: 'started', command: job.command.map(quoted).join(' '), pid: launched.pid })
  const heartbeat = setInterval(() => tell({ state: 'running', pid: launched.pid }), HEARTBEAT_MS)
  const group = launched.pid === undefined ? undefined : new GroupWatch(localHost(), launched.pid)
  void group?.look()
  const grouping = setInterval(() => void group?.look(), GROUP_MS)
  const watching = watcher(job, settings, log).then(started => {
    agent = started
    opening = false
    for (const record of held.splice(0)) started?.add(record)
  })
  void announce(job, settings, log)

  const result = await launched.ended
  await endRemains(launched)
  await launched.finishOutput(OUTPUT_MS)
  stopForwarding()
  clearInterval(heartbeat)
  clearInterval(grouping)
  await watching
  const exitCode = exitCodeOf(result)
  for (const reader of Object.values(readers)) for (const record of reader.end(unixSeconds())) add(stamp(record, job))
  if (exitCode !== 0) {
    const message =
      result.error?.message ?? (result.signal === null ? `exit code ${exitCode}` : `ended by ${result.signal}`)
    add({ kind: 'event', type: 'exit', time: unixSeconds(), run: job.run, node: hostname(), message, exitCode })
    const killed = await group?.kill()
    if (killed !== undefined) add({ ...killed, time: unixSeconds(), run: job.run, node: hostname() })
  }
  tell({ state: 'ended', exitCode })
  const left = await agent?.stop({ flushMs: 5000 }).catch((error: unknown) => {
    log(`error: the end of the run was not recorded: ${messageOf(error)}`)
    return undefined
  })
  if (left !== undefined && left.pending > 0)
    log(`${left.pending} batches wait in ${agent?.spoolFolder ?? ''}; the next agent here sends them`)
  if (result.error !== undefined) throw commandError(job, result.error, exitCode)
  return exitCode
}

class CommandError extends PlumblineError {
  constructor(
    message: string,
    fix: string,
    readonly exitCode: number,
  ) {
    super(message, { fix })
  }
}

function commandError({ command }: Job, error: NodeJS.ErrnoException, exitCode: number): CommandError {
  const why = error.code === 'ENOENT' ? 'is not found' : `cannot be started: ${error.message}`
  return new CommandError(`${command[0] ?? ''} ${why}`, 'check the command after `--`', exitCode)
}

async function announce(job: Job, settings: PlumblineSettings, log: (line: string) => void): Promise<void> {
  const url = hubUrl(settings)
  if (await hubAnswers(url)) log(`watching ${job.name} at ${url}/runs/${job.run}`)
  else log(`the hub at ${url} does not answer; the run goes on, and its data wait in ${join(settings.data, 'spool')}`)
}

async function run({ arguments: words, options, settings }: Invocation): Promise<number> {
  if (words.length === 0)
    throw new PlumblineError('no command to run', { fix: 'plumbline run -- python3 train.py', usage: true })
  const id = (await runOfThisPod()) ?? newRunId()
  const given = options['name']
  const script = words.find(word => /\.(py|sh)$/.test(word)) ?? words[0] ?? ''
  const name = typeof given === 'string' ? given : basename(script)
  const log =
    options['quiet'] === true ? () => undefined : (line: string) => console.error(`plumbline: ${redact(line)}`)
  const job = { run: id, name, command: words, hookLogs: join(settings.data, 'runs', id) }
  try {
    return await watchJob(job, settings, log)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    console.error(`error: ${error.message}\nfix: ${error.fix ?? ''}`)
    return error.exitCode
  }
}

export const command = defineCommand({
  settings: ['hub', 'port', 'token', 'data', 'scrape', 'intervalMs', 'spoolBytes', ...EXPORTS],
  configure(command) {
    command
      .argument('[command...]', 'the training command, after --')
      .option('--name <name>', 'the name of the run; the script’s where none is given')
      .option('--quiet', 'no line of Plumbline’s own')
  },
  run,
})
