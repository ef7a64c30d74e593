/** What the Megatron reader remembers between lines. */
export type TimerBlock = {
  /** minmax: `name: (min, max)` or `name: max`; ranks: `name:` and then a line a rank. */
  layout: 'minmax' | 'ranks'
  /** Timer whose ranks are being listed. */
  name: string | null
  /** Milliseconds by timer: [min, max], or by timer and rank. */
  spans: { [name: string]: [number | null, number] }
  ranks: { [rank: string]: { [name: string]: number } }
}

export type MegatronConfig = {
  framework: string
  model: { [name: string]: number | boolean }
  parallelism: { [name: string]: number | boolean }
  batch: { [name: string]: number }
  precision: string | null
  optimizer: string | null
  recompute: string | null
}

export type MegatronState = {
  /** Arguments seen so far while the dump is being printed. */
  dump: { [name: string]: string } | null
  /** The dump is GPT-NeoX's. */
  neox: boolean
  config: MegatronConfig | null
  sequenceLength: number | null
  /** The iteration that timers belong to. */
  step: number | null
  /** When that iteration was logged, Unix seconds. */
  time: number | null
  timers: TimerBlock | null
  /** The parts so far of an iteration line that was wrapped, and when the first was read. */
  wrapped: { lines: string[]; time: number | null } | null
  /** What stood behind the last bar of a line of timers: it may have been wrapped there. */
  tail: string | null
  /** What Megatron Bridge says of FLOP/s before the line of an iteration. */
  flops: number | null
  /** The last loss was not a number: said once, when it begins. */
  nan: boolean
}
