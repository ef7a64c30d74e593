/** What answers a cause by itself: end the neighbour, mend the leak, bound the sequence. */
import { calibrate } from '../../math/calibrate'
import type { PredictInput } from '../../math/input'
import { predict } from '../../math/predict'
import type { CauseName, Remedy } from '../../wire/post-mortem'
import type { Figures } from './figures'
import type { Growth } from './growth'
import { advice, measured } from './remedy'

/** Longer sequences than this many times the usual ones are not asked about. */
const LONGEST = 64

/**
 * How many times the longest step so far fits, to a hundredth below: activations as the steps before the end held them, grown
 * by the formulas (attention scores that are kept grow with the square). Undefined where too little is known.
 */
function longestThatFits(config: PredictInput | undefined, figures: Figures, growth: Growth): number | undefined {
  const { capacity } = figures
  const length = config?.model?.sequenceLength
  if (config === undefined || capacity === undefined || length === undefined || growth.kind !== 'flat') return undefined
  const { calibration } = calibrate(config, { peakBytes: growth.mostBytes })
  const held = (times: number) =>
    predict({ ...config, calibration, model: { ...config.model, sequenceLength: times * length } }).memory.deviceBytes
  let [fits, over] = [1, LONGEST]
  if (!((held(fits) ?? Infinity) <= capacity)) return undefined
  while (over - fits > 0.01) {
    const middle = (fits + over) / 2
    if ((held(middle) ?? Infinity) <= capacity) fits = middle
    else over = middle
  }
  return Math.floor(100 * fits) / 100
}

function boundLength(config: PredictInput | undefined, figures: Figures, growth: Growth): Remedy[] {
  const times = longestThatFits(config, figures, growth)
  const most = times === undefined ? '' : `: some ${times.toFixed(1)} times the longest step before it fits`
  return [
    {
      name: 'length',
      title: `Bound the longest sequence, or fill batches by tokens instead of by samples${most}`,
      how: null,
      savedBytes: null,
      headroomBytes: null,
      fits: times === undefined ? null : true,
      stepTimeChange: null,
      provenance: times === undefined ? 'derived' : 'predicted',
    },
  ]
}

/** The allocator's own gaps, closed. */
export const expandableSegments = (figures: Figures): Remedy[] =>
  measured(
    'expandable-segments',
    'Expandable segments: the allocator grows what it holds instead of leaving gaps',
    'PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True',
    figures.unused,
    figures,
  )

const neighbourGone = (figures: Figures): Remedy[] =>
  measured(
    'neighbour',
    'End the other process, or give the job devices of its own',
    'nvidia-smi --query-compute-apps=pid,name,used_memory --format=csv',
    figures.others,
    figures,
  )

const HOST = advice(
  'host',
  'Fewer data-loader workers, less pinned memory, no offload to the host; or a larger limit of the container',
)
const ADVICE: Partial<Record<CauseName, Remedy>> = {
  leak: advice('leak', 'Let go of what each step leaves behind: keep loss.item() instead of loss, empty lists, detach'),
  'checkpoint-or-evaluation': advice(
    'evaluation',
    'A smaller batch in evaluation, under torch.no_grad(); checkpoints written in shards',
  ),
  'shared-memory': advice(
    'shared-memory',
    'A larger /dev/shm for the container, or fewer data-loader workers',
    'docker run --shm-size 16g',
  ),
  'process-limit': advice(
    'process-limit',
    'Raise or drop the limit of the process',
    'torch.cuda.set_per_process_memory_fraction(1.0)',
  ),
  'host-limit': advice(
    'host-limit',
    'A higher limit for the job: limits.memory in Kubernetes, --mem in Slurm, --memory in Docker, MemoryMax in systemd, ulimit -v',
  ),
  'host-memory': HOST,
  killed: HOST,
}

export function againstTheCause(
  cause: CauseName,
  job: PredictInput | undefined,
  figures: Figures,
  growth: Growth,
): Remedy[] {
  if (cause === 'neighbour') return neighbourGone(figures)
  if (cause === 'fragmentation' || cause === 'fragmentation-creep') return expandableSegments(figures)
  if (cause === 'larger-step') return boundLength(job, figures, growth)
  const found = ADVICE[cause]
  return found === undefined ? [] : [found]
}
