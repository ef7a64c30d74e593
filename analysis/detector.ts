/** The contract of a detector: one file per detector, one line in `index.ts`. A pure function: window in, findings out. */
import type { Prediction } from '../math/predict'
import type { Finding } from '../wire/findings'
import type { RecordOf } from '../wire/records'

/** The first steps load, compile and fill caches: they say nothing of those after them. */
export const WARM_UP_STEPS = 3

/** Columns of one length, a row for each rank and step, in any order. NaN is absent, never 0. */
export interface RankStepColumns {
  readonly step: ArrayLike<number>
  readonly rank: ArrayLike<number>
  /** When the step ended, Unix seconds. */
  readonly time: ArrayLike<number>
  readonly stepSeconds: ArrayLike<number>
  readonly dataSeconds: ArrayLike<number>
  readonly forwardSeconds: ArrayLike<number>
  readonly backwardSeconds: ArrayLike<number>
  /** Time inside collectives. */
  readonly communicationSeconds: ArrayLike<number>
  readonly optimizerSeconds: ArrayLike<number>
  /** That the rank worked on in the step. */
  readonly tokens: ArrayLike<number>
  /** Most that tensors held in the step. */
  readonly memoryPeakBytes: ArrayLike<number>
  /** Of the process in its host's memory, at the end of the step; left out where nobody says. */
  readonly residentBytes?: ArrayLike<number>
  /** Up to the optimizer: processor time, waiting for a processor, and held back by a quota; left out where nobody counts. */
  readonly cpuSeconds?: ArrayLike<number>
  readonly runDelaySeconds?: ArrayLike<number>
  readonly throttledSeconds?: ArrayLike<number>
}

/** Steps of the whole job, a row each, ascending. NaN is absent. */
export interface JobStepColumns {
  readonly step: ArrayLike<number>
  readonly time: ArrayLike<number>
  readonly stepSeconds: ArrayLike<number>
}

/** A group and what it does together; bytes in a step, NaN where they are not known. */
export interface GroupFacts {
  readonly name: string
  readonly operation: string
  /** Ascending; of messages the sender first. */
  readonly ranks: readonly number[]
  readonly bytes: number
}

/** Columns of one length, a row for each group and step, in any order. */
export interface GroupStepColumns {
  readonly groups: readonly GroupFacts[]
  /** Number of the group in `groups`. */
  readonly group: ArrayLike<number>
  readonly step: ArrayLike<number>
  /** The transfer: what the member that waited least spent, of a group all of whose members told. */
  readonly seconds: ArrayLike<number>
}

/** Columns of one length, a row for each path between nodes and step, in any order. */
export interface FlowStepColumns {
  readonly paths: readonly { readonly from: string; readonly to: string }[]
  /** Number of the path in `paths`. */
  readonly path: ArrayLike<number>
  readonly step: ArrayLike<number>
  readonly bytes: ArrayLike<number>
  /** In which bytes were on their way. */
  readonly busySeconds: ArrayLike<number>
}

/** A framework's timer in one step, over all ranks. */
export interface TimerSpread {
  readonly name: string
  readonly step: number
  /** Unix seconds. */
  readonly time: number
  readonly minSeconds: number
  readonly maxSeconds: number
}

/** Columns of one length, a row for each device and stretch of time, in any order: what `nvidia-smi` and its kin tell. */
export interface DeviceColumns {
  readonly devices: readonly { readonly node: string; readonly index: number }[]
  /** Number of the device in `devices`. */
  readonly device: ArrayLike<number>
  /** When the stretch began, Unix seconds: the same of all devices. */
  readonly time: ArrayLike<number>
  readonly utilizationRatio: ArrayLike<number>
  readonly powerWatts: ArrayLike<number>
  readonly smClockHertz: ArrayLike<number>
}

/** Where a rank stands. Ranks that share a place are held to work side by side, the slowest deciding. */
export interface Coordinates {
  readonly pipeline: number
  /** Of the replica: all that a pipeline of its own has, data and context. */
  readonly data: number
  /** Which set of experts it has; left out without experts. */
  readonly expert?: number | undefined
}

export interface Place {
  readonly node: string
  /** The rank on its node. */
  readonly local?: number | undefined
  /** Its process on that node. */
  readonly pid?: number | undefined
}

/** What some processes of a node may have together, where it is less than the node has. */
export interface MemoryLimit {
  readonly name: string
  readonly bytes: number
  readonly usedBytes: number
}

export interface HostMemory {
  readonly totalBytes: number
  /** Of all processes. */
  readonly usedBytes: number
  /** By process id. */
  readonly limits?: ReadonlyMap<number, MemoryLimit> | undefined
}

export interface RunFacts {
  /** As of the hub's clock: live, silent, ended, failed or lost. */
  readonly state: string
  readonly startedAt: number
  readonly endedAt: number | undefined
  readonly exitCode: number | undefined
  readonly worldSize: number | undefined
}

/** What a detector may look at: the last steps of one run and what is known of it. */
export interface DetectorWindow {
  readonly run: string
  /** Unix seconds. */
  readonly now: number
  readonly facts: RunFacts
  readonly ranks: RankStepColumns
  readonly steps: JobStepColumns
  readonly events: readonly RecordOf<'event'>[]
  readonly config: RecordOf<'config'> | undefined
  readonly prediction: Prediction | undefined
  /** In any currency; undefined where nobody said. */
  readonly pricePerGpuHour?: number | undefined
  /** Memory of one device, the least where they differ; undefined where it is not known. */
  readonly deviceMemoryBytes?: number | undefined
  /** Memory of each node as it was last seen; undefined where nobody looks. */
  readonly hosts?: ReadonlyMap<string, HostMemory> | undefined
  /** Where each rank stands in the plan, as it said itself; undefined where none did. */
  readonly coordinates?: ReadonlyMap<number, Coordinates> | undefined
  /** Where each rank runs. */
  readonly places?: ReadonlyMap<number, Place> | undefined
  readonly groups?: GroupStepColumns | undefined
  /** Timers of which only the least and the most of all ranks are known. */
  readonly timers?: readonly TimerSpread[] | undefined
  /** Devices of the run's nodes; undefined where ranks tell of themselves. */
  readonly devices?: DeviceColumns | undefined
  /** What flows between nodes by TCP; undefined where nobody counts it. */
  readonly flows?: FlowStepColumns | undefined
  /** What was found before and still holds. */
  readonly open?: readonly Finding[] | undefined
  /** Cables of the nodes and switches. */
  readonly topology?: readonly RecordOf<'topology'>[] | undefined
}

export interface Detector<N extends string = string> {
  readonly name: N
  readonly help: string
  /**
   * Called once or so a second and run, and over a whole run offline: the same window gives the same findings. Must not
   * keep state and must not throw on gaps; silence is the answer where evidence is thin.
   */
  detect(window: DetectorWindow): Finding[]
}

export function defineDetector<const N extends string>(detector: Detector<N>): Detector<N> {
  return detector
}
