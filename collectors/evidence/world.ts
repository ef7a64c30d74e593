/**
 * NCCL numbers ranks within each communicator. The largest communicator seen so far stands for the job: its ranks are
 * the job's, and what a process does in smaller ones is told under that rank. Plain JSON, for formats keep it as state.
 */
export type World = { size: number; ranks: { [process: string]: number } }

const MOST_PROCESSES = 65_536

/** The rank in the job of a process that is `rank` of `size` in some communicator; undefined while unknown. */
export function rankInJob(world: World, process: string, rank: number, size: number): number | undefined {
  if (size > world.size) {
    world.size = size
    world.ranks = {}
  }
  const known = Object.hasOwn(world.ranks, process)
  if (size === world.size && !known && Object.keys(world.ranks).length < MOST_PROCESSES) world.ranks[process] = rank
  return knownRank(world, process)
}

export function knownRank(world: World, process: string): number | undefined {
  return Object.hasOwn(world.ranks, process) ? world.ranks[process] : undefined
}
