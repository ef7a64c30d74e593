/** One name per collective, whoever printed it: `nccl:_all_gather_base`, `AllGather`, `ncclDevKernel_AllGather_RING_LL`. */

/** Longer names before those they contain. */
const OPERATIONS: readonly (readonly [letters: string, name: string])[] = [
  ['reducescatter', 'reduce-scatter'],
  ['allreduce', 'all-reduce'],
  ['allgather', 'all-gather'],
  ['alltoall', 'all-to-all'],
  ['broadcast', 'broadcast'],
  ['barrier', 'barrier'],
  ['sendrecv', 'send-recv'],
  ['gather', 'gather'],
  ['scatter', 'scatter'],
  ['reduce', 'reduce'],
  ['send', 'send'],
  ['recv', 'recv'],
]

/** Undefined for a name that tells no operation, such as `nccl:coalesced`. */
export function operationOf(name: string): string | undefined {
  const letters = name
    .slice(0, 256)
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
  return OPERATIONS.find(([known]) => letters.includes(known))?.[1]
}
