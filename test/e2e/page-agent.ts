/** An agent as the hub meets it, with records from the test's hand instead of from collectors. */
import { io, type Socket } from 'socket.io-client'
import { encodeFrame } from '../../wire/frame'
import { AGENT_NAMESPACE, PROTOCOL, type Hello, type Reply } from '../../wire/messages'
import type { WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'

export class TestAgent {
  private sequence = 0
  private constructor(
    private readonly socket: Socket,
    readonly node: string,
  ) {}

  /** Connects and says hello; throws what the hub refuses with. */
  static async connect(url: string, node: string): Promise<TestAgent> {
    const socket = io(`${url}${AGENT_NAMESPACE}`, { transports: ['websocket'] })
    const agent = new TestAgent(socket, node)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    await agent.hello()
    return agent
  }

  private async hello(): Promise<void> {
    const hello: Hello = { protocol: PROTOCOL, version: 'test', agent: `test-${this.node}`, node: this.node }
    const reply = (await this.socket.timeout(60_000).emitWithAck('hello', hello)) as Reply
    if (!reply.ok) throw new Error(reply.error)
    this.sequence = reply.sequence
  }

  /** Resolves when the hub has stored the records. */
  async send(records: readonly WireRecord[]): Promise<void> {
    const batch = new Batch()
    for (const record of records) batch.add(record)
    this.sequence += 1
    const reply = (await this.socket.timeout(60_000).emitWithAck('batch', this.sequence, encodeFrame(batch))) as Reply
    if (!reply.ok) throw new Error(reply.error)
  }

  close(): void {
    this.socket.disconnect()
  }
}

export const MODEL = {
  layers: 4,
  hiddenSize: 128,
  attentionHeads: 4,
  vocabularySize: 256,
  sequenceLength: 128,
}

/** What a job says when it starts: itself, its configuration and its ranks. */
export function startRecords(run: string, node: string, ranks: number, time: number): WireRecord[] {
  return [
    { kind: 'run', time, run, node, name: `job ${run}`, command: 'python3 train.py', state: 'started', pid: 4242 },
    {
      kind: 'config',
      time,
      run,
      framework: 'nanogpt',
      model: MODEL,
      precision: 'fp32',
      optimizer: 'adamw',
      parallelism: { worldSize: ranks, data: ranks },
      batch: { micro: 4, global: 4 * ranks },
      hardware: { count: ranks, peakFlopsPerSecond: 1e11, peakSource: 'measured matmul' },
    } as WireRecord,
    ...Array.from({ length: ranks }, (_, rank): WireRecord => ({
      kind: 'rank',
      time,
      run,
      node,
      rank,
      worldSize: ranks,
      pid: 5000 + rank,
      device: 'cpu',
      state: 'started',
    })),
  ]
}

/** One step of every rank; the last rank is late, so the others wait for it. */
export function stepRecords(run: string, node: string, ranks: number, step: number, time: number): WireRecord[] {
  return Array.from({ length: ranks }, (_, rank): WireRecord => {
    const isLate = rank === ranks - 1
    return {
      kind: 'step',
      time,
      run,
      node,
      rank,
      step,
      totalSteps: 400,
      source: 'hook',
      stepSeconds: 0.2,
      tokens: 512,
      loss: 4 - step / 200,
      phases: {
        data: { seconds: 0.01 },
        forward: { seconds: isLate ? 0.09 : 0.04 },
        backward: { seconds: isLate ? 0.06 : 0.04 },
        communication: { seconds: isLate ? 0.02 : 0.09 },
        optimizer: { seconds: 0.01 },
      },
      memoryCategories: { parameters: 3_400_000, gradients: 3_400_000, optimizer: 6_800_000 },
      residentBytes: 300e6 + rank * 1e6,
    }
  })
}
