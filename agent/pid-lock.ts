/** A file that holds the pid of its owner: who finds it held by a living process keeps out. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The living process that holds the lock; undefined where nobody does. */
export function holderOf(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return Number.isInteger(pid) && pid > 0 && alive(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/** Takes the lock: a function that releases it, or undefined where another living process, or this one, has it. */
export function takeLock(file: string): (() => void) | undefined {
  if (holderOf(file) !== undefined) return undefined
  rmSync(file, { force: true })
  // Written aside and linked: the lock never exists without a pid in it, and only one of two can make it.
  const own = `${file}.${process.pid}`
  try {
    writeFileSync(own, String(process.pid))
    linkSync(own, file)
  } catch {
    return undefined
  } finally {
    rmSync(own, { force: true })
  }
  return () => rmSync(file, { force: true })
}
