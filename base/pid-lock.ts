/**
 * A file that says which process owns something. Its text is `PID START HOST`: START is when that process started (a pid
 * alone is used again, and in a container it is always 1), HOST is the machine, for data folders on a shared file
 * system. A process of another machine cannot be looked for: it counts as alive while it touches its lock.
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'

const TOUCH_MS = 20_000
const FRESH_MS = 90_000
/** Locks that this process holds. */
const own = new Set<string>()

/** Clock ticks from boot to the start of a process; '' where the system does not say. */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything: fields are counted from its end. The start is the 22nd of all.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function isHeld(file: string, text: string): boolean {
  const [pidText = '', start = '', host = ''] = text.trim().split(' ')
  const pid = Number(pidText)
  if (!Number.isInteger(pid) || pid <= 0) return false
  if (host !== '' && host !== hostname()) return Date.now() - statSync(file).mtimeMs < FRESH_MS
  return alive(pid) && (start === '' || start === '-' || start === startOf(pid))
}

/** Sets a dead process's lock aside. False where another process was quicker and holds it now. */
function clear(file: string): boolean {
  try {
    const text = readFileSync(file, 'utf8')
    if (isHeld(file, text)) return false
    const aside = `${file}.${process.pid}.dead`
    renameSync(file, aside)
    // Between the look and the rename another may have taken it: then it is given back.
    const moved = readFileSync(aside, 'utf8')
    if (moved !== text) linkSync(aside, file)
    rmSync(aside, { force: true })
    return moved === text
  } catch {
    // Nobody has it, or nobody has it any more.
    return true
  }
}

/** Takes the lock: a function that releases it, or undefined where a living process, this one too, has it. */
export function takeLock(path: string): (() => void) | undefined {
  const file = resolve(path)
  if (own.has(file) || !clear(file)) return undefined
  // Written aside and linked: the lock never exists without its text, and only one of two can make it.
  const aside = `${file}.${process.pid}`
  try {
    writeFileSync(aside, `${process.pid} ${startOf(process.pid) || '-'} ${hostname()}`)
    linkSync(aside, file)
  } catch {
    return undefined
  } finally {
    rmSync(aside, { force: true })
  }
  own.add(file)
  const timer = setInterval(() => touch(file), TOUCH_MS).unref()
  let held = true
  return () => {
    if (!held) return
    held = false
    clearInterval(timer)
    own.delete(file)
    rmSync(file, { force: true })
  }
}

/** The pid that a lock names; 'unknown' where it names none. */
export function ownerOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').split(' ')[0] || 'unknown'
  } catch {
    return 'unknown'
  }
}

function touch(file: string): void {
  try {
    utimesSync(file, new Date(), new Date())
  } catch {
    // Its folder went: there is nothing left to hold.
  }
}
