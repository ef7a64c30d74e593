/** The end of a probe that waits on a node: `plumbline probe --listen`. It does only what who knows the token asks for. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { availableParallelism, hostname, loadavg } from 'node:os'
import { messageOf, PlumblineError } from '../../base/errors'
import { sendTo } from './measure'
import { joinGroup, products } from './torch'
import { questionSchema, readLine, type Address } from './wire'
import type { z } from 'zod'

type Question = z.infer<typeof questionSchema>

const digest = (text: string) => createHash('sha256').update(text).digest()
const isSame = (one: string, other: string) => timingSafeEqual(digest(one), digest(other))

function echo(socket: Socket, rest: Buffer): void {
  if (rest.length > 0) socket.write(rest)
  socket.pipe(socket)
}

/** Counts bytes; one is sent back for each whole message. */
function sink(socket: Socket, rest: Buffer, bytes: number): void {
  let read = 0
  const take = (length: number) => {
    read += length
    for (; read >= bytes; read -= bytes) socket.write(Uint8Array.of(1))
  }
  take(rest.length)
  socket.on('data', chunk => take(chunk.length))
  socket.resume()
}

async function answerOf(asked: Question, token: string): Promise<unknown> {
  switch (asked.ask) {
    case 'who':
      return { node: hostname(), load: (loadavg()[0] ?? 0) / availableParallelism() }
    case 'send':
      return sendTo(asked.to, token, asked.streams, asked.seconds)
    case 'matmul':
      return products(asked.python)
    case 'group':
      return joinGroup(asked.python, asked)
    case 'echo':
    case 'sink':
    case 'end':
      return {}
  }
}

export interface Listening {
  readonly port: number
  /** Resolves when somebody has asked for the end. */
  readonly ended: Promise<void>
  close(): void
}

/** Throws PlumblineError where the port is taken. */
export async function listen({ host, port }: Address, token: string): Promise<Listening> {
  let end: () => void = () => undefined
  const ended = new Promise<void>(resolve => (end = resolve))
  const server = createServer({ noDelay: true }, socket => {
    socket.on('error', () => undefined)
    serve(socket, token, end).catch((error: unknown) => {
      socket.end(`${JSON.stringify({ error: messageOf(error) })}\n`)
    })
  })
  return { port: await listening(server, host, port), ended, close: () => server.close() }
}

async function listening(server: Server, host: string, port: number): Promise<number> {
  const failed = once(server, 'error').then(([error]) => {
    const why = messageOf(error)
    throw new PlumblineError(`cannot listen on ${host}:${port}: ${why}`, { fix: 'choose another with --at HOST:PORT' })
  })
  server.listen(port, host)
  await Promise.race([once(server, 'listening'), failed])
  failed.catch(() => undefined)
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

async function serve(socket: Socket, token: string, end: () => void): Promise<void> {
  const { line, rest } = await readLine(socket)
  const read = questionSchema.safeParse(JSON.parse(line))
  if (!read.success) throw new Error('a question of another Plumbline')
  if (!isSame(read.data.token, token)) throw new Error('the secret is another: give all nodes the same --secret')
  if (read.data.ask === 'echo') return echo(socket, rest)
  if (read.data.ask === 'sink') return sink(socket, rest, read.data.bytes)
  socket.end(`${JSON.stringify(await answerOf(read.data, token))}\n`)
  if (read.data.ask === 'end') end()
}
