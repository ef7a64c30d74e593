/** Spools of runs whose agent is gone with batches unsent: a living agent sends them, under their own identity. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../base/errors'
import { takeLock } from '../base/pid-lock'
import { Spool } from './spool'
import type { Parcels } from './parcels'
import type { Uplink } from './uplink'

const LOOK_MS = 30_000
/** An agent's own spool is continued by the next agent of that name; a run's never is. */
export const RUN_PREFIX = 'run-'

export interface OrphanOptions {
  /** The folder of all spools. */
  readonly root: string
  readonly maxBytes: number
  open(spool: Spool): Uplink
  /** Seals the black box of whoever was killed there. */
  keep(folder: string, parcels: Parcels): Promise<void>
  log(line: string): void
}

/** Looks now and every half minute. `close` gives back what is not sent yet. */
export function adoptOrphans(options: OrphanOptions): { close(): void } {
  const adopted = new Map<string, () => void>()
  const look = () => {
    for (const name of readdirSync(options.root)) {
      if (!name.startsWith(RUN_PREFIX) || adopted.has(name)) continue
      try {
        const finish = adopt(join(options.root, name), options, () => adopted.delete(name))
        if (finish !== undefined) adopted.set(name, finish)
      } catch (error) {
        options.log(`error: the spool ${name} cannot be read: ${messageOf(error)}`)
      }
    }
  }
  look()
  const timer = setInterval(look, LOOK_MS)
  return {
    close() {
      clearInterval(timer)
      for (const finish of [...adopted.values()]) finish()
    },
  }
}

function adopt(
  folder: string,
  { maxBytes, open, keep, log }: OrphanOptions,
  ended: () => void,
): (() => void) | undefined {
  const release = takeLock(join(folder, 'lock'))
  if (release === undefined) return undefined
  const spool = new Spool(folder, maxBytes)
  const uplink = open(spool)
  let over = false
  const finish = () => {
    if (over) return
    over = true
    uplink.close()
    spool.close()
    if (uplink.pending === 0) rmSync(folder, { recursive: true, force: true })
    release()
    ended()
  }
  void keep(folder, uplink.parcels)
    .catch((error: unknown) => log(`error: the last minutes in ${folder} cannot be kept: ${messageOf(error)}`))
    .then(() => {
      uplink.kick()
      return uplink.drained()
    })
    .then(finish)
  return finish
}
