/** Pages that are open when their token is taken back, or their session ends: their sockets end too. */
import type { Namespace } from 'socket.io'
import type { Viewers } from './viewers'

const LOOK_MS = 2000

export function endRemoved(pages: Namespace, viewers: Viewers): { close(): void } {
  const timer = setInterval(() => {
    if (!viewers.asks()) return
    for (const socket of pages.sockets.values())
      if (viewers.roleOf(socket.request) === undefined) socket.disconnect(true)
  }, LOOK_MS)
  return { close: () => clearInterval(timer) }
}
