/** One-forward-one-backward, event by event: when each stage of one replica is done. */

/** By stage; `send` and `sendBack` by border. */
export type PipelineTimes = Readonly<
  Record<'begin' | 'forward' | 'backward' | 'send' | 'sendBack' | 'end' | 'wait' | 'waitBack', Float64Array>
>

export const pipelineTimes = (stages: number): PipelineTimes => {
  const column = () => new Float64Array(stages)
  return {
    begin: column(),
    forward: column(),
    backward: column(),
    send: column(),
    sendBack: column(),
    end: column(),
    wait: column(),
    waitBack: column(),
  }
}

/** Operations of all stages in an order in which each finds what it waits for done. */
export class PipelineSchedule {
  private readonly stage: Int32Array
  private readonly isBackward: Uint8Array
  private readonly microBatch: Int32Array
  private readonly forwardEnd: Float64Array
  private readonly backwardEnd: Float64Array

  constructor(
    readonly stages: number,
    readonly microBatches: number,
  ) {
    const own = Array.from({ length: stages }, (_, stage) => this.operationsOf(stage))
    const next = own.map(() => 0)
    const done = [new Set<number>(), new Set<number>()] as const
    const key = (stage: number, microBatch: number) => stage * microBatches + microBatch
    const order: (readonly [stage: number, isBackward: number, microBatch: number])[] = []
    const total = 2 * stages * microBatches
    while (order.length < total) {
      for (let stage = 0; stage < stages; stage += 1) {
        const operation = own[stage]?.[next[stage] ?? 0]
        if (operation === undefined) continue
        const [isBackward, microBatch] = operation
        const before = isBackward === 0 ? stage - 1 : stage + 1
        const isFirst = before < 0 || before >= stages
        if (!isFirst && !done[isBackward].has(key(before, microBatch))) continue
        done[isBackward].add(key(stage, microBatch))
        next[stage] = (next[stage] ?? 0) + 1
        order.push([stage, isBackward, microBatch])
      }
    }
    this.stage = Int32Array.from(order, ([stage]) => stage)
    this.isBackward = Uint8Array.from(order, ([, isBackward]) => isBackward)
    this.microBatch = Int32Array.from(order, ([, , microBatch]) => microBatch)
    this.forwardEnd = new Float64Array(stages * microBatches)
    this.backwardEnd = new Float64Array(stages * microBatches)
  }

  /** The last stage turns round at once; each before it starts one micro-batch more. */
  private operationsOf(stage: number): (readonly [isBackward: 0 | 1, microBatch: number])[] {
    const warmUp = Math.min(this.stages - stage - 1, this.microBatches)
    const operations: (readonly [0 | 1, number])[] = []
    for (let forward = 0; forward < warmUp; forward += 1) operations.push([0, forward])
    for (let steady = warmUp; steady < this.microBatches; steady += 1)
      operations.push([0, steady], [1, steady - warmUp])
    for (let rest = this.microBatches - warmUp; rest < this.microBatches; rest += 1) operations.push([1, rest])
    return operations
  }

  /**
   * `begin`, `forward` and `backward` by stage: when it is ready, and seconds of one micro-batch. `send` and `sendBack` by
   * border: seconds of a message. Writes into `end` when each stage is done, and how long it waited for messages from the
   * stage before and from the one behind.
   */
  run(times: PipelineTimes): void {
    const { begin, forward, backward, send, sendBack, end, wait, waitBack } = times
    const m = this.microBatches
    end.set(begin)
    wait.fill(0)
    waitBack.fill(0)
    for (let index = 0; index < this.stage.length; index += 1) {
      const stage = this.stage[index] ?? 0
      const microBatch = this.microBatch[index] ?? 0
      const own = stage * m + microBatch
      const free = end[stage] ?? 0
      if (this.isBackward[index] === 0) {
        const comes = stage > 0 ? (this.forwardEnd[own - m] ?? 0) + (send[stage - 1] ?? 0) : 0
        wait[stage] = (wait[stage] ?? 0) + Math.max(0, comes - free)
        end[stage] = this.forwardEnd[own] = Math.max(free, comes) + (forward[stage] ?? 0)
      } else {
        const comes = stage < this.stages - 1 ? (this.backwardEnd[own + m] ?? 0) + (sendBack[stage] ?? 0) : 0
        waitBack[stage] = (waitBack[stage] ?? 0) + Math.max(0, comes - free)
        end[stage] = this.backwardEnd[own] = Math.max(free, comes) + (backward[stage] ?? 0)
      }
    }
  }
}
