/**
 * What two ends of a probe say: one TCP connection for each thing that is asked. The first line is the question, as JSON; the
 * answer is one line as well. Between them `echo` sends bytes back as they come, and `sink` acknowledges each whole message
 * with one byte.
 */
import { createConnection, type Socket } from 'node:net'
import { z } from 'zod'
import { PlumblineError } from '../../base/errors'

export const PROBE_PORT = 3130
const MOST_LINE = 1 << 20
const CONNECT_MS = 10_000
/** One message; a node must not be made to hold more. */
export const MOST_BYTES = 256 * 2 ** 20

export const addressSchema = z.object({ host: z.string().min(1), port: z.number().int().min(1).max(65_535) })
export type Address = z.infer<typeof addressSchema>

const asks = [
  /** Who is there, and is it idle? */
  z.object({ ask: z.literal('who') }),
  z.object({ ask: z.literal('echo') }),
  z.object({ ask: z.literal('sink'), bytes: z.number().int().min(1).max(MOST_BYTES) }),
  /** Sends to another node for about so long, and says how fast. */
  z.object({
    ask: z.literal('send'),
    to: addressSchema,
    streams: z.number().int().min(1).max(64),
    seconds: z.number().min(0.05).max(60),
  }),
  z.object({ ask: z.literal('matmul'), python: z.string() }),
  /** Joins an all-reduce of nodes. */
  z.object({
    ask: z.literal('group'),
    python: z.string(),
    rank: z.number().int().min(0),
    worldSize: z.number().int().min(2),
    master: addressSchema,
  }),
  z.object({ ask: z.literal('end') }),
] as const
export const questionSchema = z.discriminatedUnion('ask', asks).and(z.object({ token: z.string() }))
type Ask = z.infer<(typeof asks)[number]>

export const whoSchema = z.object({
  node: z.string(),
  /** Processes that want to run, over processors. */
  load: z.number(),
})
export const sentSchema = z.object({
  /** Of one message. */
  bytes: z.number(),
  messages: z.number(),
  bytesPerSecond: z.number(),
  roundTripSeconds: z.number(),
})
export type Sent = z.infer<typeof sentSchema>
export const productsSchema = z.array(
  z.object({ device: z.string(), name: z.string(), dtype: z.string(), flopsPerSecond: z.number() }),
)
export const reducedSchema = z.object({
  backend: z.string(),
  bytes: z.number(),
  seconds: z.number(),
  busBytesPerSecond: z.number(),
})
const errorSchema = z.object({ error: z.string() })

/** Bytes up to the first line feed, and what came behind it. */
export function readLine(socket: Socket): Promise<{ line: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let read: Buffer = Buffer.alloc(0)
    const end = (error: Error) => {
      stop()
      reject(error)
    }
    const onClose = () => end(new Error('the other side went away'))
    const onData = (chunk: Buffer) => {
      read = Buffer.concat([read, chunk])
      const at = read.indexOf(10)
      if (at < 0) return read.length > MOST_LINE ? end(new Error('a line without an end')) : undefined
      stop()
      socket.pause()
      resolve({ line: read.subarray(0, at).toString(), rest: read.subarray(at + 1) })
    }
    const stop = () => {
      socket.off('data', onData)
      socket.off('error', end)
      socket.off('close', onClose)
    }
    socket.on('data', onData)
    socket.on('error', end)
    socket.on('close', onClose)
    socket.resume()
  })
}

/** Throws PlumblineError where nobody listens. */
export function connect({ host, port }: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, noDelay: true })
    const fail = (why: string) => {
      socket.destroy()
      const fix = `run \`plumbline probe --listen\` there; the port must be open between the nodes`
      reject(new PlumblineError(`no probe answers at ${host}:${port}: ${why}`, { fix }))
    }
    const late = setTimeout(() => fail('it took too long'), CONNECT_MS)
    socket.once('error', error => fail(error.message))
    socket.once('connect', () => {
      clearTimeout(late)
      socket.removeAllListeners('error')
      // Who reads sees the end; nobody else needs to hear of it.
      socket.on('error', () => undefined)
      resolve(socket)
    })
  })
}

/** Opens a connection for one question. */
export async function open(address: Address, token: string, ask: Ask): Promise<Socket> {
  const socket = await connect(address)
  socket.write(`${JSON.stringify({ ...ask, token })}\n`)
  return socket
}

/** One question and its answer. Throws PlumblineError with what the other side says is wrong. */
export async function question<T>(address: Address, token: string, ask: Ask, schema: z.ZodType<T>): Promise<T> {
  const socket = await open(address, token, ask)
  try {
    const { line } = await readLine(socket)
    const value: unknown = JSON.parse(line)
    const refusal = errorSchema.safeParse(value)
    if (refusal.success) throw new PlumblineError(`${address.host}: ${refusal.data.error}`)
    return schema.parse(value)
  } finally {
    socket.destroy()
  }
}
