/** Somebody who looks at one of so many runs after the other: a page's socket for a minute each, and its questions every ten seconds. */
import { io } from 'socket.io-client'
import { LIVE_NAMESPACE } from '../../wire/live'

const STAY_MS = 60_000
const ASK_MS = 10_000

export function visit(hub: string, runs: number): { close(): void; asked(): number; failed(): number } {
  let [run, asked, failed] = [0, 0, 0]
  let socket = open(0)
  function open(number: number) {
    const opened = io(hub + LIVE_NAMESPACE, { transports: ['websocket'], forceNew: true })
    opened.on('connect', () => opened.emit('watch', `job-${number}`))
    return opened
  }
  async function ask(path: string): Promise<void> {
    asked += 1
    try {
      const answer = await fetch(hub + path)
      await answer.arrayBuffer()
      if (!answer.ok) failed += 1
    } catch {
      failed += 1
    }
  }
  const turning = setInterval(() => {
    socket.close()
    run = (run + 1) % runs
    socket = open(run)
  }, STAY_MS)
  const asking = setInterval(() => {
    const of = `/api/runs/job-${run}`
    for (const path of ['/api/runs', '/api/nodes', '/metrics', of, `${of}/steps`, `${of}/ranks`, `${of}/gpus`])
      void ask(path)
  }, ASK_MS)
  return {
    asked: () => asked,
    failed: () => failed,
    close() {
      clearInterval(turning)
      clearInterval(asking)
      socket.close()
    },
  }
}
