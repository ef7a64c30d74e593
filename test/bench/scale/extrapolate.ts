/** From measured costs to those of a larger fleet. Nothing is taken as cheaper than it was measured. */

export interface Measured {
  readonly nodes: number
  readonly gpus: number
  readonly samplesPerSecond: number
  /** Of the hub, from the socket to the disk. */
  readonly cpuSecondsPerMillion: number
  readonly memoryBytes: number
  readonly bytesPerSample: number
  /** p99 from a sample to the page. */
  readonly pageDelaySeconds: number
}
/** Processor seconds of the detectors for one look. */
export interface Look {
  readonly ranks: number
  readonly seconds: number
}
export interface Scale {
  readonly gpus: number
  readonly nodes: number
  readonly samplesPerSecond: number
  readonly hubs: number
  readonly nodesPerHub: number
  readonly cores: number
  readonly memoryBytesPerHub: number
  readonly diskBytesPerDay: number
  readonly lookSeconds: number
  readonly lookEverySeconds: number
  readonly assumptions: readonly string[]
}

/** A hub that shows a sample later than this is taken as too full. */
const MOST_DELAY_SECONDS = 2
const DAY_SECONDS = 86_400
/** As hub/findings/keeper.ts has it. */
const LOOK_SHARE = 0.1

/** Throws where nothing was measured that could be extrapolated. */
export function extrapolate(gpus: number, measured: readonly Measured[], looks: readonly Look[]): Scale {
  const inTime = measured.filter(({ pageDelaySeconds }) => pageDelaySeconds <= MOST_DELAY_SECONDS)
  const hub = inTime.toSorted((one, other) => one.nodes - other.nodes).at(-1)
  const look = looks.toSorted((one, other) => one.ranks - other.ranks).at(-1)
  if (hub === undefined || look === undefined) throw new Error('no measured figures were found in CHANGELOG.md')
  const gpusPerNode = hub.gpus / hub.nodes
  const samplesPerSecond = (hub.samplesPerSecond / hub.gpus) * gpus
  const nodes = Math.ceil(gpus / gpusPerNode)
  const bytesPerSample = Math.max(...measured.map(one => one.bytesPerSample))
  const lookSeconds = look.seconds * Math.max(1, gpus / look.ranks)
  return {
    gpus,
    nodes,
    samplesPerSecond,
    hubs: Math.ceil(nodes / hub.nodes),
    nodesPerHub: hub.nodes,
    cores: (hub.cpuSecondsPerMillion * samplesPerSecond) / 1e6,
    memoryBytesPerHub: hub.memoryBytes,
    diskBytesPerDay: bytesPerSample * samplesPerSecond * DAY_SECONDS,
    lookSeconds,
    lookEverySeconds: lookSeconds / LOOK_SHARE,
    assumptions: [
      `${gpusPerNode} GPUs a node and ${hub.samplesPerSecond / hub.gpus} samples a second of each, as measured`,
      `a hub is given no more nodes than the largest that showed samples within ${MOST_DELAY_SECONDS} s (p99), and takes the processor and memory it took there`,
      'a store in a cluster takes the processor that the embedded one took: the network between hub and store, replication and a second copy of inserts are not in it, and were not measured',
      `disk: the most bytes a sample that was measured (${bytesPerSample}), the first roll-ups in it, nothing deleted`,
      `looks at a run grow with its ranks from ${look.ranks} on, and take ${LOOK_SHARE * 100} % of a core at most: one hub holds all steps of the largest run in memory`,
      'agents are spread evenly; one run is looked at',
    ],
  }
}
