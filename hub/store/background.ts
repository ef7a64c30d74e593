/**
 * Merges give way to whoever waits for an answer. The engine's own setting for it (`os_threads_nice_value_merge_mutate`) takes
 * a capability that a hub has no other use for; to make one's own threads nicer takes none.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

const THREADS = '/proc/self/task'
/** What the engine calls the threads that merge and change parts, and do nothing else. */
const MERGING = 'MergeMutate'

/** Of an engine in this process that has tables already. Where the system does not tell its threads, nothing changes. */
export function yieldMerges(): void {
  for (const thread of existsSync(THREADS) ? readdirSync(THREADS) : []) {
    try {
      if (readFileSync(`${THREADS}/${thread}/comm`, 'utf8').trim() === MERGING)
        setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL)
    } catch {
      // It has just ended.
    }
  }
}
