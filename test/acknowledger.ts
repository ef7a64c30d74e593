/** A hub of the least kind for tests of the agent: a real socket.io server that keeps what it acknowledges in memory. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { decodeFrame, MAX_FRAME_BYTES } from '../wire/frame'
import { AGENT_NAMESPACE, helloSchema, type Hello, type Reply } from '../wire/messages'
import type { WireRecord } from '../wire/records'

export interface Stored {
  readonly agent: string
  readonly sequence: number
  readonly records: readonly WireRecord[]
}
/** What outlives a restart of the hub. */
export interface Memory {
  readonly batches: Stored[]
  readonly hellos: Hello[]
}
export interface Acknowledger {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}
export interface AcknowledgerOptions {
  readonly memory: Memory
  readonly port?: number
  readonly token?: string
  /** An answer in place of storing; undefined stores. */
  readonly answer?: (sequence: number, records: readonly WireRecord[]) => Reply | undefined
}

export const newMemory = (): Memory => ({ batches: [], hellos: [] })

const highest = ({ batches }: Memory, agent: string) =>
  batches.reduce((most, batch) => (batch.agent === agent ? Math.max(most, batch.sequence) : most), 0)

export async function startAcknowledger(options: AcknowledgerOptions): Promise<Acknowledger> {
  const { memory, token = '', answer } = options
  const http = createServer((_, response) => response.end('ok'))
  const server = new Server(http, { maxHttpBufferSize: MAX_FRAME_BYTES + 1024 })
  server.of(AGENT_NAMESPACE).on('connection', socket => {
    let agent = ''
    /** As the hub does: what was sent behind a refused batch is refused until the agent greets again. */
    let behind = false
    socket.on('hello', (value: unknown, reply: (answer: Reply) => void) => {
      const hello = helloSchema.parse(value)
      memory.hellos.push(hello)
      if ((hello.token ?? '') !== token)
        return reply({ ok: false, error: 'the token is wrong', fix: 'start the agent with --token', retry: false })
      agent = hello.agent
      behind = false
      reply({ ok: true, sequence: highest(memory, agent) })
    })
    socket.on('batch', (sequence: number, frame: Buffer, reply: (answer: Reply) => void) => {
      if (behind) return reply({ ok: false, error: 'behind one that was refused', retry: true })
      const records = decodeFrame(frame).records()
      const other = answer?.(sequence, records)
      behind = other?.ok === false && other.retry
      if (other !== undefined) return reply(other)
      if (sequence > highest(memory, agent)) memory.batches.push({ agent, sequence, records })
      reply({ ok: true, sequence })
    })
  })
  await new Promise<void>(resolve => http.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, close: () => server.close() }
}
