/** Starts a training command in a process group of its own, its output passed to the caller as it comes. */
import { spawn } from 'node:child_process'

export interface Launched {
  readonly pid: number | undefined
  /** Resolves once when the leader has ended and its output is read to the end. `error`: it could not be started. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: NodeJS.ErrnoException }>
  /** To every process of the group that is left; false where none is. */
  signal(signal: NodeJS.Signals): boolean
}

export interface LaunchOptions {
  readonly environment: NodeJS.ProcessEnv
  /** A returned promise holds the job's output back until it resolves: a slow terminal slows the job, as without us. */
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void>
}

export function launch(command: string, args: readonly string[], options: LaunchOptions): Launched {
  const child = spawn(command, args, { detached: true, env: options.environment, stdio: ['inherit', 'pipe', 'pipe'] })
  const read = async (stream: 'stdout' | 'stderr') => {
    for await (const chunk of child[stream]) await options.onOutput(stream, chunk as Buffer)
  }
  const outputs = Promise.all([read('stdout'), read('stderr')]).catch(() => undefined)
  const ended = new Promise<Awaited<Launched['ended']>>(resolve => {
    child.once('error', error => resolve({ code: null, signal: null, error }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return {
    pid: child.pid,
    ended: ended.then(async result => {
      // A daemon that inherited the output may hold it open for ever: the leader's end is the job's.
      if (result.error === undefined) await Promise.race([outputs, new Promise(resolve => setTimeout(resolve, 2000))])
      return result
    }),
    signal(signal) {
      if (child.pid === undefined) return false
      try {
        process.kill(-child.pid, signal)
        return true
      } catch {
        return false
      }
    },
  }
}
