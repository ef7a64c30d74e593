/** A sender that behaves badly on purpose: each batch twice or thrice, some out of order, some over two connections. */
import { io } from 'socket.io-client'
import { sleep } from '../../base/clock'
import { encodeFrame } from '../../wire/frame'
import { AGENT_NAMESPACE, PROTOCOL, type Reply } from '../../wire/messages'
import { Batch } from '../../wire/table'

const ANSWER_MS = 10_000
/** Several hubs may be finding their places anew. */
const MOST_TRIES = 200
const AGAIN_MS = 500

function frame(run: string, step: number): Buffer {
  const batch = new Batch()
  batch.add({ kind: 'step', source: 'hook', run, node: run, rank: 0, step, time: Date.now() / 1000 })
  batch.add({ kind: 'event', run, node: run, type: 'checkpoint', time: Date.now() / 1000 })
  return encodeFrame(batch)
}

/** Gives the steps that were acknowledged, in order from 1. */
export async function sendTwice(url: string, run: string, count: number, random: () => number): Promise<number> {
  const socket = io(url + AGENT_NAMESPACE, { transports: ['websocket'], forceNew: true })
  /** Undefined where there is no answer: the connection may be gone. */
  const ask = async (event: string, ...values: unknown[]): Promise<Reply | undefined> =>
    (await socket
      .timeout(ANSWER_MS)
      .emitWithAck(event, ...values)
      .catch(() => undefined)) as Reply | undefined
  const hello = { protocol: PROTOCOL, version: 'chaos', agent: run, node: run, ahead: true }
  let acknowledged = 0
  try {
    await new Promise<void>(resolve => socket.once('connect', resolve))
    await ask('hello', hello)
    let tries = 0
    for (let step = 1; step <= count && tries < MOST_TRIES;) {
      const old = Math.max(1, step - Math.floor(random() * 4))
      const bytes = frame(run, step)
      const answers = await Promise.all([
        ask('batch', step, bytes),
        ask('batch', old, frame(run, old)),
        ask('batch', step, bytes),
      ])
      if (answers[0]?.ok === true) {
        acknowledged = step
        step += 1
        continue
      }
      // Refused for now: it is sent again before any later one.
      tries += 1
      await sleep(AGAIN_MS)
      if (!socket.connected) socket.connect()
      await ask('hello', hello)
    }
  } finally {
    socket.close()
  }
  return acknowledged
}
