/**
 * How often agents send. A batch costs the hub about the same whether it holds one second of a node or five: with many
 * agents each gathers longer, while the nodes of a run that someone looks at send at once, as far as there is room.
 */
const LEAST_SECONDS = 0.25
const MOST_SECONDS = 5
/** Batches a second that a hub takes without being busy with their number alone: of nodes that are looked at, and of all. */
const WATCHED_PER_SECOND = 800
const ALL_PER_SECOND = 250

/**
 * Seconds of samples in a batch of one agent, of `agents` in all, of which `watched` are looked at and this one is or not.
 * Undefined where it may send as it likes.
 */
export function paceOf(agents: number, watched: number, isWatched: boolean): number | undefined {
  const seconds = isWatched ? (2 * watched) / WATCHED_PER_SECOND : (2 * agents) / ALL_PER_SECOND
  return seconds <= LEAST_SECONDS ? undefined : Math.min(MOST_SECONDS, seconds)
}
