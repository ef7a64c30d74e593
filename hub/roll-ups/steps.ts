/** Roll-ups of steps: of each rank, and of the whole job. A step that was repeated after a restart counts once, the newest. */
import { perRank, perStep } from '../queries/folded-steps'
import { highest, lowest, mean, newest, type RollUp } from './roll-up'

/** How long a step takes is not known here: of a coarser tier a slot is as many more seconds. */
const tiersOf = (name: string) =>
  [10, 100, 1000].map(width => ({ table: `${name}_${width}`, width, everySeconds: 6 * width }))

const KNOWN = 'step.step IS NOT NULL'
/** Needs all ranks of a step. */
export const WAIT = 'communicationSeconds - min(communicationSeconds) OVER (PARTITION BY run, step)'
export const COMPUTE =
  'if(forwardSeconds IS NULL AND backwardSeconds IS NULL, NULL, ifNull(forwardSeconds, 0) + ifNull(backwardSeconds, 0))'

export const rankRollUp: RollUp = {
  name: 'rankStep',
  table: 'step',
  by: 'step',
  keys: ['run', 'rank'],
  key: 'run',
  tiers: tiersOf('rankStep'),
  valid: `${KNOWN} AND rank IS NOT NULL`,
  columns: {
    step: highest('step'),
    stepSeconds: mean('stepSeconds'),
    stepSecondsMax: highest('stepSeconds'),
    computeSeconds: mean('computeSeconds'),
    computeSecondsMax: highest('computeSeconds'),
    communicationSeconds: mean('communicationSeconds'),
    communicationSecondsMax: highest('communicationSeconds'),
    syncWaitSeconds: mean('syncWaitSeconds'),
    syncWaitSecondsMax: highest('syncWaitSeconds'),
    dataSeconds: mean('dataSeconds'),
    dataSecondsMax: highest('dataSeconds'),
    optimizerSeconds: mean('optimizerSeconds'),
    optimizerSecondsMax: highest('optimizerSeconds'),
    memoryAllocatedBytes: highest('memoryAllocatedBytes'),
    memoryPeakBytes: highest('memoryPeakBytes'),
    residentBytes: highest('residentBytes'),
    throttledSeconds: highest('throttledSeconds'),
    runDelaySeconds: highest('runDelaySeconds'),
  },
  rows: where => `SELECT * REPLACE (assumeNotNull(rank) AS rank, assumeNotNull(step) AS step), at AS time, ${COMPUTE} AS computeSeconds,
    ${WAIT} AS syncWaitSeconds FROM (${perRank(where)})`,
}

export const jobRollUp: RollUp = {
  name: 'jobStep',
  table: 'step',
  by: 'step',
  keys: ['run'],
  key: 'run',
  tiers: tiersOf('jobStep'),
  valid: KNOWN,
  columns: {
    step: highest('step'),
    source: newest('source'),
    seconds: mean('seconds'),
    secondsMin: lowest('coalesce(secondsMin, seconds)'),
    secondsMax: highest('coalesce(secondsMax, seconds)'),
    throughput: mean('throughput'),
    throughputDerived: highest('throughputDerived'),
    throughputPerGpu: mean('throughputPerGpu'),
    stepLoss: mean('stepLoss'),
    stepLossMin: lowest('stepLoss'),
    stepLossMax: highest('stepLoss'),
    stepGradientNorm: mean('stepGradientNorm'),
    stepGradientNormMax: highest('stepGradientNorm'),
    stepLearningRate: mean('stepLearningRate'),
    loggedFlops: mean('loggedFlops'),
    loggedMfu: mean('loggedMfu'),
    total: highest('total'),
    transfer: mean('transfer'),
    wait: mean('wait'),
  },
  rows: where => `SELECT * REPLACE (assumeNotNull(step) AS step), at AS time FROM (${perStep(where)})`,
}
