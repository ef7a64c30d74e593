/** The thread that reads evidence: see `thread.ts`. */
import { parentPort } from 'node:worker_threads'
import { messageOf, PlumblineError } from '../../base/errors'
import { evidenceReader } from './reader'
import type { Answer, Asked } from './thread'

async function answerTo(asked: Asked): Promise<Answer> {
  const { id } = asked
  try {
    const value = await ('summary' in asked
      ? evidenceReader.summary(...asked.summary)
      : evidenceReader.ask(...asked.ask))
    return { id, value }
  } catch (error) {
    return { id, error: { message: messageOf(error), fix: error instanceof PlumblineError ? error.fix : undefined } }
  }
}

parentPort?.on('message', (asked: Asked) => void answerTo(asked).then(answer => parentPort?.postMessage(answer)))
