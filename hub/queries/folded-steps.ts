/**
 * Steps. A step has rows of several sources: one per rank from the hook, and whole-job rows (rank NULL) from a framework's
 * log, which may print loss, timers and memory on lines of their own. `perRank` folds the rows of one rank and step into
 * one (the newest known value of each column, so a step repeated after a restart replaces itself); `perStep` folds ranks.
 */
const LATEST = [
  'stepSeconds',
  'tokens',
  'tokensPerSecond',
  'tokensPerSecondPerGpu',
  'flopsPerSecondPerGpu',
  'mfu',
  'loss',
  'gradientNorm',
  'learningRate',
  'totalSteps',
  'memoryAllocatedBytes',
  'memoryReservedBytes',
  'memoryPeakBytes',
  'residentBytes',
  'dataSeconds',
  'forwardSeconds',
  'backwardSeconds',
  'communicationSeconds',
  'optimizerSeconds',
  'cpuSeconds',
  'runDelaySeconds',
  'throttledSeconds',
]

export const perRank = (where: string) => `
  SELECT run, step, rank, max(step.time) AS at, anyIf(source, source != '') AS sources,
    ${LATEST.map(name => `argMax(step.${name}, step.time) AS ${name}`).join(',\n    ')}
  FROM step WHERE ${where} AND step.step IS NOT NULL GROUP BY run, step, rank`

/** A whole-job figure: what the job's own line says, else the ranks folded by `fold`. */
const jobElse = (name: string, fold: string) =>
  `coalesce(anyIf(${name}, rank IS NULL), ${fold}If(${name}, rank IS NOT NULL))`

/**
 * The step time of the job is the mean over its ranks: the steps of each rank tile its time, so that the mean adds up to
 * the wall clock. The longest of each step would not, as ranks pass the end of a step at moments that jitter.
 */
export const perStep = (where: string) => `
  SELECT run, step, max(at) AS at,
    countIf(rank IS NOT NULL) AS ranks,
    anyIf(sources, sources != '') AS source,
    if(countIf(stepSeconds, rank IS NOT NULL) > 0, avgIf(stepSeconds, rank IS NOT NULL), any(stepSeconds)) AS seconds,
    minIf(stepSeconds, rank IS NOT NULL) AS secondsMin,
    maxIf(stepSeconds, rank IS NOT NULL) AS secondsMax,
    if(countIf(tokens, rank IS NOT NULL) > 0, sumIf(tokens, rank IS NOT NULL), any(tokens)) AS stepTokens,
    coalesce(anyIf(tokensPerSecond, rank IS NULL), stepTokens / nullIf(seconds, 0)) AS throughput,
    any(tokensPerSecond) IS NULL AS throughputDerived,
    max(tokensPerSecondPerGpu) AS throughputPerGpu,
    ${jobElse('loss', 'avg')} AS stepLoss,
    ${jobElse('gradientNorm', 'avg')} AS stepGradientNorm,
    ${jobElse('learningRate', 'avg')} AS stepLearningRate,
    max(flopsPerSecondPerGpu) AS loggedFlops,
    max(mfu) AS loggedMfu,
    max(totalSteps) AS total,
    if(count(communicationSeconds) > 1, min(communicationSeconds), NULL) AS transfer,
    if(count(communicationSeconds) > 1, avg(communicationSeconds) - min(communicationSeconds), NULL) AS wait
  FROM (${perRank(where)}) GROUP BY run, step`
