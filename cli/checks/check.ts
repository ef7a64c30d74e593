/** The contract of a check of `plumbline doctor`: one line in `index.ts` each. */
import { messageOf, PlumblineError } from '../../base/errors'
import type { Host } from '../../collectors/host'
import type { PlumblineSettings } from '../settings'

/** ok: there and works. absent: not here, and Plumbline does without. failed: here, and does not work. */
export type CheckState = 'ok' | 'absent' | 'failed'

export interface Finding {
  readonly state: CheckState
  readonly detail: string
  readonly fix?: string
}
export interface NamedFinding extends Finding {
  readonly name: string
}

export interface Check {
  readonly name: string
  /** Plumbline cannot work without it: a failure makes `doctor` exit with 1. */
  readonly needed: boolean
  /** Several findings where it looks at several things; their names are then its own, with a part after a space. */
  run(host: Host, settings: PlumblineSettings): Promise<Finding>
}

export const ok = (detail: string): Finding => ({ state: 'ok', detail })
export const absent = (detail: string, fix: string): Finding => ({ state: 'absent', detail, fix })
export const failed = (detail: string, fix: string): Finding => ({ state: 'failed', detail, fix })

/** Runs a check; one that throws, or does not end in time, has failed. */
export async function runCheck(check: Check, host: Host, settings: PlumblineSettings): Promise<NamedFinding> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Finding>(resolve => {
    timer = setTimeout(
      () => resolve(failed(`no answer within ${LIMIT_MS / 1000} s`, 'try again; something hangs')),
      LIMIT_MS,
    )
  })
  try {
    return { name: check.name, ...(await Promise.race([check.run(host, settings), late])) }
  } catch (error) {
    const fix = error instanceof PlumblineError ? error.fix : undefined
    return {
      name: check.name,
      ...failed(messageOf(error), fix ?? 'report this with the output of plumbline doctor --json'),
    }
  } finally {
    clearTimeout(timer)
  }
}

const LIMIT_MS = 45_000
