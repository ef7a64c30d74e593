/** The dashboard: Next.js on the hub's own server. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { pagePolicy } from './access/policy'

export interface Page {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  close(): Promise<void>
}

/** Under this header a page learns where its hub answers; what a browser says under it is overwritten. */
const HUB_HEADER = 'x-plumbline-hub'
const POLICY_HEADER = 'content-security-policy'

/** `hub`: the address at which this process answers itself, for pages that are made with numbers in them. */
export async function openPage(folder: string, hub: string): Promise<Page> {
  const { default: next } = await import('next')
  const dev = process.env['NODE_ENV'] === 'development'
  const app = next({ dev, dir: folder })
  await app.prepare()
  const handle = app.getRequestHandler()
  // The first page that is made loads what makes pages, a third of a second: nobody should have to wait for that.
  if (!dev) {
    const request = new IncomingMessage(new Socket())
    Object.assign(request, { method: 'GET', url: '/', headers: { [HUB_HEADER]: hub } })
    void handle(request, new ServerResponse(request)).catch(() => undefined)
  }
  return {
    handle(request, response) {
      request.headers[HUB_HEADER] = hub
      // Next.js reads the nonce of its scripts from this header of the request. Its development build evaluates code.
      if (!dev) {
        const policy = pagePolicy()
        request.headers[POLICY_HEADER] = policy
        response.setHeader(POLICY_HEADER, policy)
      } else response.removeHeader(POLICY_HEADER)
      return handle(request, response)
    },
    close: () => app.close(),
  }
}
