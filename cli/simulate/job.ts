/**
 * The job that a simulated fleet could be doing: a model and a batch for which arithmetic predicts, on H100s with a card of 400
 * Gbit/s each, about what the fleet takes to compute and to send. So what is wrong with it can be held against a prediction.
 */
import type { RecordOf } from '../../wire/records'
import { USUAL_TRANSFERS } from './fleet'
import type { FleetShape } from './layout'

type Job = Pick<RecordOf<'config'>, 'model' | 'batch' | 'hardware' | 'precision' | 'optimizer' | 'recompute'>

const HARDWARE = 'h100-sxm'
/** Dense bf16 of the data sheet times the share of it that matmuls reach; between devices of a node, and of a card to others. */
const [FLOPS_PER_SECOND, NODE_BYTES_PER_SECOND] = [989e12 * 0.8, 4.5e11]
const [HEAD_SIZE, SEQUENCE, MICRO_BATCH, VOCABULARY] = [128, 4096, 3, 32_000] as const
/** Of what goes between nodes, as the fleet has it. */
const WITHIN_NODE = 0.2
/** A layer has 12 h² parameters and costs 6 FLOPs each for a token; its four all-reduces send twice (T − 1) / T of 2 h bytes. */
const [LAYER_WEIGHTS, FLOPS_PER_WEIGHT, LAYER_BYTES] = [12, 6, 16] as const

/** Of a step, as one rank has its share in them. */
export const tokensOf = ({ tensor, pipeline, microBatches }: FleetShape): number =>
  (SEQUENCE * MICRO_BATCH * microBatches) / (tensor * pipeline)

/** As wide as tensor ranks of one node have to be to send for that share of their compute. */
function headsOf({ tensor, gpusPerNode }: FleetShape): number {
  const others = Math.max(1, Math.min(tensor, gpusPerNode) - 1)
  const ratio = USUAL_TRANSFERS.tensor * WITHIN_NODE
  const flopsPerByte = FLOPS_PER_SECOND / NODE_BYTES_PER_SECOND
  const width = (LAYER_BYTES * others * flopsPerByte) / (LAYER_WEIGHTS * FLOPS_PER_WEIGHT * ratio)
  return tensor * Math.max(1, Math.round(width / HEAD_SIZE / tensor))
}

/** `computeSeconds` of one rank in a step. */
export function jobOf(shape: FleetShape, computeSeconds: number): Job {
  const { tensor, pipeline, data, microBatches } = shape
  const attentionHeads = headsOf(shape)
  const hiddenSize = attentionHeads * HEAD_SIZE
  const tokens = SEQUENCE * MICRO_BATCH * microBatches
  const layerFlops = FLOPS_PER_WEIGHT * LAYER_WEIGHTS * hiddenSize ** 2 * tokens
  const layers = (computeSeconds * FLOPS_PER_SECOND * tensor * pipeline) / layerFlops
  return {
    precision: 'bf16',
    optimizer: 'adam',
    recompute: 'selective',
    batch: { micro: MICRO_BATCH, global: MICRO_BATCH * microBatches * data },
    hardware: { gpu: HARDWARE, count: tensor * pipeline * data },
    model: {
      layers: pipeline * Math.max(1, Math.round(layers / pipeline)),
      hiddenSize,
      attentionHeads,
      ffnHiddenSize: 4 * hiddenSize,
      vocabularySize: VOCABULARY,
      sequenceLength: SEQUENCE,
    },
  }
}
