/** Starts a training command in a process group of its own, its output passed to the caller as it comes. */
import { spawn } from 'node:child_process'
import { sleep } from '../base/clock'

export interface Launched {
  readonly pid: number | undefined
  /** Resolves once when the leader has ended; output may still come. `error`: it could not be started. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: NodeJS.ErrnoException }>
  /** Reads the rest of the output; lets go of it when `milliseconds` bring none: a daemon may hold it open for ever. */
  finishOutput(milliseconds: number): Promise<void>
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
  // Chunks that the caller has not taken yet, and when the last one was.
  let handing = 0
  let quietSince = performance.now()
  const read = async (stream: 'stdout' | 'stderr') => {
    for await (const chunk of child[stream]) {
      handing += 1
      await options.onOutput(stream, chunk as Buffer)
      handing -= 1
      quietSince = performance.now()
    }
  }
  const outputs = Promise.all([read('stdout'), read('stderr')]).catch(() => undefined)
  const ended = new Promise<Awaited<Launched['ended']>>(resolve => {
    child.once('error', error => resolve({ code: null, signal: null, error }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return {
    pid: child.pid,
    ended,
    async finishOutput(milliseconds) {
      let over = child.pid === undefined
      void outputs.then(() => (over = true))
      quietSince = performance.now()
      while (!over && (handing > 0 || performance.now() - quietSince < milliseconds)) await sleep(10)
      child.stdout.destroy()
      child.stderr.destroy()
    },
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
