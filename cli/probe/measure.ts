/** One way between two nodes: how long a byte takes there and back, and how fast many arrive. */
import type { Socket } from 'node:net'
import { once } from 'node:events'
import { median } from '../../analysis/statistics'
import { MOST_BYTES, open, type Address, type Sent } from './wire'

const ROUND_TRIPS = 30
/** Below it the first bytes through a queue look faster than the link. */
const FIRST_BYTES = 2 * 2 ** 20
/** A message that takes less says more of the processors than of the link: it grows. */
const LEAST_SECONDS = 0.05
const LEAST_MESSAGES = 3
const CHUNK = Buffer.alloc(256 * 1024, 0x5a)

const seconds = () => performance.now() / 1000

/** Resolves with the next bytes; rejects where there are no more. */
async function answer(socket: Socket): Promise<void> {
  const gone = new AbortController()
  try {
    await Promise.race([
      once(socket, 'data', { signal: gone.signal }),
      once(socket, 'close', { signal: gone.signal }).then(() => {
        throw new Error('the other side went away')
      }),
    ])
  } finally {
    gone.abort()
  }
}

async function roundTrip(to: Address, token: string): Promise<number> {
  const socket = await open(to, token, { ask: 'echo' })
  try {
    const times: number[] = []
    for (let trip = 0; trip < ROUND_TRIPS; trip += 1) {
      const from = seconds()
      const back = answer(socket)
      socket.write(Uint8Array.of(1))
      await back
      times.push(seconds() - from)
    }
    return median(times)
  } finally {
    socket.destroy()
  }
}

async function write(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
    if (!socket.write(chunk) && !socket.destroyed) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  }
}

/** Seconds until all of the message is there, in equal parts over the streams. */
async function message(sockets: readonly Socket[], bytes: number): Promise<number> {
  const from = seconds()
  const taken = sockets.map(answer)
  await Promise.all([...sockets.map(socket => write(socket, bytes / sockets.length)), ...taken])
  return seconds() - from
}

/** Messages of one size, for about so long. The first fills queues and windows: it does not count. */
async function messagesOf(to: Address, token: string, streams: number, bytes: number, forSeconds: number) {
  const sockets = await Promise.all(
    Array.from({ length: streams }, () => open(to, token, { ask: 'sink', bytes: bytes / streams })),
  )
  try {
    await message(sockets, bytes)
    const until = seconds() + forSeconds
    const times: number[] = []
    while (times.length < LEAST_MESSAGES || seconds() < until) times.push(await message(sockets, bytes))
    return times
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

/** `forSeconds`: about; a slow link takes as long as it takes for a few messages. */
export async function sendTo(to: Address, token: string, streams: number, forSeconds: number): Promise<Sent> {
  const roundTripSeconds = await roundTrip(to, token)
  let bytes = FIRST_BYTES * streams
  let times = await messagesOf(to, token, streams, bytes, 0)
  while (median(times) < LEAST_SECONDS && 2 * bytes <= MOST_BYTES) {
    bytes *= 2
    times = await messagesOf(to, token, streams, bytes, 0)
  }
  if (times.reduce((sum, one) => sum + one, 0) < forSeconds)
    times = await messagesOf(to, token, streams, bytes, forSeconds)
  return { bytes, messages: times.length, bytesPerSecond: bytes / median(times), roundTripSeconds }
}
