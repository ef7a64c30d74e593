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

/** Bytes of an element by c10's names of scalar types. */
export const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  Byte: 1,
  Char: 1,
  Bool: 1,
  Short: 2,
  Int: 4,
  Long: 8,
  Half: 2,
  BFloat16: 2,
  Float: 4,
  Double: 8,
  UInt16: 2,
  UInt32: 4,
  UInt64: 8,
  ComplexHalf: 4,
  ComplexFloat: 8,
  ComplexDouble: 16,
  Float8_e5m2: 1,
  Float8_e4m3fn: 1,
  Float8_e5m2fnuz: 1,
  Float8_e4m3fnuz: 1,
  Float8_e8m0fnu: 1,
}
