/** The dashboard: Next.js on the hub's own server. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface Page {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  close(): Promise<void>
}

export async function openPage(folder: string): Promise<Page> {
  const { default: next } = await import('next')
  const app = next({ dev: false, dir: folder })
  await app.prepare()
  const handle = app.getRequestHandler()
  return { handle: (request, response) => handle(request, response), close: () => app.close() }
}
