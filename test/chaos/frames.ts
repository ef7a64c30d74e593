/** A sender that behaves badly on purpose: each batch twice or thrice, some out of order, some over two connections. */
import { io } from 'socket.io-client'
import { encodeFrame } from '../../wire/frame'
import { AGENT_NAMESPACE, PROTOCOL, type Reply } from '../../wire/messages'
import { Batch } from '../../wire/table'

const ANSWER_MS = 10_000

function frame(run: string, step: number): Buffer {
  const batch = new Batch()
  batch.add({ kind: 'step', source: 'hook', run, node: run, rank: 0, step, time: Date.now() / 1000 })
  batch.add({ kind: 'event', run, node: run, type: 'checkpoint', time: Date.now() / 1000 })
  return encodeFrame(batch)
}

/** Gives the steps that were acknowledged, in order from 1. */
export async function sendTwice(url: string, run: string, count: number, random: () => number): Promise<number> {
  const socket = io(url + AGENT_NAMESPACE, { transports: ['websocket'], forceNew: true })
  const ask = async (event: string, ...values: unknown[]) =>
    (await socket.timeout(ANSWER_MS).emitWithAck(event, ...values)) as Reply
  const hello = { protocol: PROTOCOL, version: 'chaos', agent: run, node: run, ahead: true }
  let acknowledged = 0
  try {
    await new Promise<void>(resolve => socket.once('connect', resolve))
    await ask('hello', hello)
    for (let step = 1; step <= count; step += 1) {
      const old = Math.max(1, step - Math.floor(random() * 4))
      const bytes = frame(run, step)
      const answers = await Promise.all([
        ask('batch', step, bytes),
        ask('batch', old, frame(run, old)),
        ask('batch', step, bytes),
      ])
      if (answers[0]?.ok === true) acknowledged = step
      else await ask('hello', hello)
    }
  } finally {
    socket.close()
  }
  return acknowledged
}
