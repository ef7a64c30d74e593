/**
 * The figures of docs/theory.md, from the code that predicts and judges: `npm run figures` writes them into docs/figures;
 * a law keeps them fresh.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../base/root'
import { gpus } from '../math/gpus'
import type { PredictInput } from '../math/input'
import { predict, type Prediction } from '../math/predict'
import { presets } from '../math/presets'
import { arrivalsFigure } from './figures/arrivals'
import { barsFigure } from './figures/bars'
import { curvesFigure } from './figures/curves'

const DEVICES = 64
const NETWORK_BYTES_PER_SECOND = 50e9
/** The job of all figures: Llama 2 7B on 64 H100, one sequence of 4,096 tokens at a time, 512 a step. */
function job(changes: PredictInput = {}, sequenceLength = 4096): Prediction {
  return predict({
    model: { ...presets.get('llama-2-7b')?.model, sequenceLength },
    batch: { micro: 1, global: 512 },
    precision: 'bf16',
    optimizer: 'adamw',
    recompute: 'selective',
    hardware: { gpu: 'h100-sxm', count: DEVICES, networkBytesPerSecond: NETWORK_BYTES_PER_SECOND },
    ...changes,
    parallelism: { data: DEVICES, zeroStage: 1, ...changes.parallelism },
  })
}
const known = (value: number | undefined) => value ?? NaN
const doublings = (from: number, count: number) => Array.from({ length: count }, (_, index) => from * 2 ** index)
const CAPACITY = { value: known(gpus.get('h100-sxm')?.memoryBytes), name: 'H100, 80 GB' }

function syncWait(): string {
  return arrivalsFigure('Work, wait and transfer of four ranks: all well, one slow rank, a slow link', [
    { name: 'All well', work: [0.21, 0.2, 0.22, 0.205], transfer: 0.06 },
    {
      name: 'Rank 2 is slow: its own wait is the least, the others wait for it',
      work: [0.21, 0.2, 0.33, 0.205],
      transfer: 0.06,
    },
    {
      name: 'A link is slow: the transfer is longer for all, the waits stay',
      work: [0.21, 0.2, 0.22, 0.205],
      transfer: 0.17,
    },
  ])
}

function memory(): string {
  const bars = [0, 1, 2, 3].map(zeroStage => {
    const { memory: own } = job({ parallelism: { zeroStage } })
    const states = [own.parametersBytes, own.gradientsBytes, own.optimizerBytes]
    return {
      name: zeroStage === 0 ? 'plain replicas' : `ZeRO ${zeroStage}`,
      values: [...states, own.activationsBytes, own.buffersBytes].map(known),
    }
  })
  return barsFigure({
    title: 'Predicted memory of one device by kind of sharding',
    label: 'Predicted memory of one device, Llama 2 7B on 64 H100',
    unit: 'bytes',
    parts: ['parameters', 'gradients', 'optimizer', 'activations', 'buffers'],
    bars,
    limit: CAPACITY,
  })
}

function activations(): string {
  const lengths = doublings(1024, 6)
  const of = (changes: PredictInput) => lengths.map(length => known(job(changes, length).memory.deviceBytes))
  return curvesFigure({
    title: 'Predicted memory of one device over the sequence length, by what is recomputed',
    across: { label: 'tokens of a sequence', values: lengths, unit: 'count' },
    up: { label: 'Predicted memory in use on one device, ZeRO 1', unit: 'bytes' },
    curves: {
      'all but attention scores kept': of({}),
      'the same, cut over 4 context ranks': of({ parallelism: { data: DEVICES / 4, context: 4 } }),
      'all recomputed': of({ recompute: 'full' }),
    },
    limit: CAPACITY,
  })
}

function bubble(): string {
  const microBatches = doublings(4, 7)
  const of = (pipeline: number) =>
    microBatches.map(m =>
      known(
        job({
          parallelism: { data: DEVICES / pipeline, pipeline },
          batch: { micro: 1, global: (m * DEVICES) / pipeline },
        }).step.bubbleRatio,
      ),
    )
  return curvesFigure({
    title: 'Share of the ideal time that a pipeline stands still, over its micro-batches',
    across: { label: 'micro-batches of a step and replica', values: microBatches, unit: 'count' },
    up: { label: 'Pipeline bubble over the ideal time', unit: 'ratio' },
    curves: { '2 stages': of(2), '4 stages': of(4), '8 stages': of(8) },
  })
}

function scaling(): string {
  const counts = doublings(8, 8)
  const of = (bytesPerSecond: number) =>
    counts.map(count =>
      known(
        job({
          parallelism: { data: count },
          batch: { micro: 1, global: 1024 },
          hardware: { gpu: 'h100-sxm', count, networkBytesPerSecond: bytesPerSecond },
        }).mfu,
      ),
    )
  return curvesFigure({
    title: 'Predicted MFU over the number of devices, by network',
    across: { label: 'devices that share 1,024 sequences a step', values: counts, unit: 'count' },
    up: { label: 'Predicted model FLOPs utilisation, ZeRO 1', unit: 'ratio' },
    curves: { '400 Gbit/s a device': of(50e9), '100 Gbit/s': of(12.5e9), '25 Gbit/s': of(3.125e9) },
  })
}

/** By the name of the file. */
export const figures: Readonly<Record<string, () => string>> = {
  'sync-wait.svg': syncWait,
  'memory.svg': memory,
  'activations.svg': activations,
  'bubble.svg': bubble,
  'scaling.svg': scaling,
}

if (process.argv[1] === import.meta.filename)
  for (const [name, draw] of Object.entries(figures)) writeFileSync(join(packageRoot, 'docs/figures', name), draw())
