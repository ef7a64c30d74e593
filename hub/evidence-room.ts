/**
 * Room for evidence: what is too old goes, and of what is too much the oldest goes first. What went keeps its `ID.json`, and
 * `ID.dropped` says in a sentence why.
 */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface EvidenceLimits {
  /** Of all files, and what is read of them, together. */
  readonly bytes: number
  /** Seconds from a file's last byte. */
  readonly seconds: number
}
const DAY = 24 * 3600
export const EVIDENCE_LIMITS: EvidenceLimits = { bytes: 16 * 1024 ** 3, seconds: 90 * DAY }

interface Kept {
  /** Without an ending. */
  readonly path: string
  readonly bytes: number
  readonly changedAt: number
}

/** What is kept of one file. */
const ENDINGS = ['.bytes', '.summary.json', '.columns']

const sizeOf = (path: string) => (existsSync(path) ? statSync(path).size : 0)

/** All that is kept, the oldest first. */
function keptBelow(root: string): Kept[] {
  if (!existsSync(root)) return []
  const kept = readdirSync(root).flatMap(run =>
    readdirSync(join(root, run)).flatMap((name): Kept[] => {
      if (!name.endsWith('.bytes')) return []
      const path = join(root, run, name.slice(0, -'.bytes'.length))
      const bytes = ENDINGS.reduce((sum, ending) => sum + sizeOf(`${path}${ending}`), 0)
      return [{ path, bytes, changedAt: statSync(`${path}.bytes`).mtimeMs / 1000 }]
    }),
  )
  return kept.sort((one, other) => one.changedAt - other.changedAt)
}

function drop({ path }: Kept, why: string): void {
  writeFileSync(`${path}.dropped`, why)
  for (const ending of ENDINGS) rmSync(`${path}${ending}`, { force: true })
}

/**
 * Makes room for `bytes` more at `now` (Unix seconds); gives what was dropped, in words. What `inUse` names stays. False in
 * `fits`: there is not enough that may go.
 */
export function makeRoom(
  root: string,
  { bytes, now, limits, inUse }: { bytes: number; now: number; limits: EvidenceLimits; inUse: ReadonlySet<string> },
): { fits: boolean; dropped: string[] } {
  const kept = keptBelow(root)
  let held = kept.reduce((sum, one) => sum + one.bytes, 0)
  const dropped: string[] = []
  // For what does not fit at all nothing goes.
  const wanted = bytes <= limits.bytes ? bytes : 0
  for (const one of kept) {
    const isOld = now - one.changedAt > limits.seconds
    if ((!isOld && held + wanted <= limits.bytes) || inUse.has(one.path)) continue
    const why = isOld
      ? `dropped after ${Math.round(limits.seconds / DAY)} days`
      : `dropped for newer evidence: the hub keeps ${(limits.bytes / 1024 ** 3).toFixed(0)} GiB, and the oldest goes first`
    drop(one, why)
    held -= one.bytes
    dropped.push(`${one.path}: ${why}`)
  }
  return { fits: held + bytes <= limits.bytes, dropped }
}
