/**
 * Figures of an out-of-memory message, whoever prints it: PyTorch of every era and device, PaddlePaddle, XLA, TensorFlow, NumPy,
 * NCCL. Allocators count in powers of 1024 also where they write MB.
 */
import type { RecordOf } from '../../wire/records'

type Event = RecordOf<'event'>
type Figure = 'requestedBytes' | 'capacityBytes' | 'freeBytes' | 'processBytes' | 'allocatedBytes' | 'reservedBytes'
type Figures = Partial<Record<Figure | 'reservedUnallocatedBytes', number>>

const SIZE = '(\\d[\\d.,]{0,30} ?(?:[KMGTP]i?)?(?:B\\b|bytes\\b|(?<=[KMGTP]i?)(?![A-Za-z]))|\\d{1,20} bytes\\b)'
const sized = (pattern: string) => new RegExp(pattern.replace('SIZE', SIZE), 'i')
const POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5 }

/** Bytes of `2.00 GiB`, `459.07 MB`, `21.95G`, `16384 megabytes`, `0 bytes`. */
export function sizeOf(text: string | undefined): number | undefined {
  const match = /^([\d.,]{1,32}) ?(?:([kmgtp]?)i?(?:b|bytes)?|([kmgtp])\w{3}bytes)$/i.exec(text ?? '')
  const value = Number((match?.[1] ?? '').replaceAll(',', '').replace(/\.$/, '') || NaN)
  return Number.isFinite(value)
    ? Math.round(value * 1024 ** (POWERS[(match?.[2] ?? match?.[3] ?? '').toLowerCase()] ?? 0))
    : undefined
}

/** Of each field the patterns in the order of their trust. */
const FIGURES: readonly (readonly [field: keyof Figures, patterns: readonly RegExp[]])[] = [
  [
    'requestedBytes',
    [
      sized('\\btr(?:ied|ying) to allocate SIZE'),
      sized(
        "\\b(?:attempt(?:ed|ing)?|fail(?:ed|s)?|unable|cannot|can't|could not)(?: to)? (?:(?:CUDA|GPU|device|host) )?(?:host )?(?:re)?(?:c|m)?alloc(?:ate)?(?: async| request for| memory of| memory for requested buffer of size)? SIZE",
      ),
      sized('\\battempting to (?:allocate|reserve) SIZE'),
      sized('\\ballocat(?:e|ing) SIZE'),
      sized('\\b(?:memory allocation of|unable to mmap|failed to extend \\S{1,200} to|Requested size was) SIZE'),
      /\b\w{0,20}alloc of (?:size )?(\d{1,20})(?: bytes)? failed/,
      /(?:pinned host memory of size|Allocation failed for size:|alloc size|requested bytes of|requested buffer of size):? ?(\d{1,20})/,
      // An engine's plan: its share of the device, the cache of one sequence.
      sized('desired GPU memory utilization \\([\\d.]{1,10}, SIZE\\)'),
      sized('SIZE KV cache is needed'),
      // A program of XLA that does not fit: what it would use, of what there is.
      /\bUsed ([\d.]{1,20}[KMGT]?) of [\d.]{1,20}[KMGT]? (?:hbm|vmem|smem)\b/,
    ],
  ],
  [
    'capacityBytes',
    [
      sized('SIZE total capacity'),
      sized('total capaci?ty of SIZE'),
      sized('max allowed: SIZE'),
      sized('was running was [\\d.]{1,20}[KMGT]?i?B / SIZE'),
      /is used \([\d.]{1,20} \/ ([\d.]{1,20}) (GB)\)/,
      /memory limit of (\d{1,15}) ((?:kilo|mega|giga)bytes)/,
      /Free memory on device .{0,20}\([\d.]{1,20}\/([\d.]{1,20}) (GiB)\)/,
      /\bUsed [\d.]{1,20}[KMGT]? of ([\d.]{1,20}[KMGT]?) (?:hbm|vmem|smem)\b/,
    ],
  ],
  [
    'freeBytes',
    [
      sized('of which SIZE is free'),
      sized('; SIZE free'),
      sized('available memory is(?: only)? SIZE'),
      sized('There (?:are|is) SIZE free'),
      sized('available KV cache memory \\(SIZE\\)'),
      sized('low on resource: memory\\..{0,60} available: SIZE'),
      /Free memory on device .{0,20}\(([\d.]{1,20})\/[\d.]{1,20} (GiB)\)/,
    ],
  ],
  [
    'processBytes',
    [
      sized('this process has SIZE memory in use'),
      sized('\\bmemory used=SIZE'),
      sized('Container \\S{1,200} was using SIZE'),
      /Peak usage: (\d{1,15}) ((?:kilo|mega|giga)bytes)/,
    ],
  ],
  [
    'allocatedBytes',
    [
      sized('SIZE already allocated'),
      sized('allocated memory SIZE is allocated by PyTorch'),
      sized('MPS allocated: SIZE'),
      sized('SIZE memory has been allocated'),
      sized('allocated so far: SIZE'),
    ],
  ],
  ['reservedBytes', [sized('SIZE reserved in total by PyTorch')]],
  // What eras before 1.4 called cached is what the allocator held beyond the tensors.
  ['reservedUnallocatedBytes', [sized('SIZE is reserved by PyTorch but unallocated'), sized('; SIZE cached\\)')]],
]
const PROCESSES = new RegExp(`\\bProcess \\d{1,10} has ${SIZE} memory in use`, 'gi')

/** TensorFlow says the shape and the type of what it could not have. */
const SHAPE = /OOM when allocating tensor (?:with|of) shape ?\[([\d,]{1,200})\] and type (\w{3,20})/
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  ...{ float: 4, float32: 4, half: 2, float16: 2, bfloat16: 2, double: 8, float64: 8, int8: 1, uint8: 1, bool: 1 },
  ...{ int16: 2, int32: 4, int64: 8, uint32: 4, uint64: 8, complex64: 8, complex128: 16 },
}

function tensorBytes(text: string): number | undefined {
  const [, shape = '', type = ''] = SHAPE.exec(text) ?? []
  const element = ELEMENT_BYTES[type]
  if (element === undefined) return undefined
  const bytes = shape.split(',').reduce((product, dimension) => product * Number(dimension), element)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/**
 * In a container PyTorch does not know its own process among those that the driver lists, and names it by its number. One that
 * holds as much as this process's tensors is this one; another process is not what the field is about.
 */
function onlyProcess(text: string, allocated: number | undefined): number | undefined {
  const listed = [...text.matchAll(PROCESSES)].map(match => sizeOf(match[1]))
  const [bytes] = listed
  return listed.length === 1 && bytes !== undefined && allocated !== undefined && bytes >= allocated ? bytes : undefined
}

/** What Slurm of old says of a job's processes and their limit, in KiB; PBS with its unit. */
const OVER_LIMIT =
  /exceeded (?:job |step )?(?:virtual )?memory limit \((\d{1,15}) > (\d{1,15})\)|\bv?mem (\d{1,15})kb exceeded limit (\d{1,15})kb/

/** Behind a rounded size the bytes themselves: `2.99GiB (3206250496B)`. */
const EXACT = /^ ?\((\d{1,20}) ?(?:B|bytes)\)/

function figureOf(text: string, patterns: readonly RegExp[]): number | undefined {
  const match = patterns.map(pattern => pattern.exec(text)).find(found => found !== null)
  if (match === undefined) return undefined
  const exact = EXACT.exec(text.slice(match.index + match[0].length))
  // A number and its unit may stand apart.
  return sizeOf(
    exact?.[1] ??
      match
        .slice(1)
        .filter(group => group !== undefined)
        .join(' '),
  )
}

export function figuresIn(text: string): Figures {
  const figures: Figures = {}
  for (const [field, patterns] of FIGURES) {
    const bytes = figureOf(text, patterns)
    if (bytes !== undefined) figures[field] = bytes
  }
  const requested = figures.requestedBytes ?? tensorBytes(text)
  if (requested !== undefined) figures.requestedBytes = requested
  const process = figures.processBytes ?? onlyProcess(text, figures.allocatedBytes)
  if (process !== undefined) figures.processBytes = process
  const limit = OVER_LIMIT.exec(text)
  if (limit !== null) {
    figures.processBytes = Number(limit[1] ?? limit[3]) * 1024
    figures.capacityBytes = Number(limit[2] ?? limit[4]) * 1024
  }
  return figures
}

const GPU =
  /\b[GNX]PU #?(\d{1,4})\b(?! (?:\(s\)|GPUs))|\/device:[GT]PU:(\d{1,4})\b|\bGPU_(\d{1,4})_bfc|\bdevice(?: ordinal)? (\d{1,4}): ?cudaMalloc|device ordinal (\d{1,4})\b|Device\(id:(\d{1,4})\)/i
const RANK = /\[(?:PG [^\]]{0,100})?[Rr]ank ?(\d{1,8})\]/
const PID = /\bpid(?:=|: ?| )'?(\d{1,10})\b/

const TASK = /^srun: error: (\S{1,256}): tasks? ([\d,-]{1,200}): Out Of Memory$/

/** Which device, rank, node and, where a host killed it, process a message names. */
export function placeIn(text: string, type: string): Pick<Event, 'gpuIndex' | 'rank' | 'node' | 'pid'> {
  const task = TASK.exec(text)
  if (task !== null) return { node: task[1], ...(/^\d+$/.test(task[2] ?? '') && { rank: Number(task[2]) }) }
  const gpu = GPU.exec(text)?.slice(1).find(Boolean)
  const rank = RANK.exec(text)?.[1]
  const pid = type === 'host-oom' ? PID.exec(text)?.[1] : undefined
  return {
    ...(gpu !== undefined && { gpuIndex: Number(gpu) }),
    ...(rank !== undefined && { rank: Number(rank) }),
    ...(pid !== undefined && { pid: Number(pid) }),
  }
}
