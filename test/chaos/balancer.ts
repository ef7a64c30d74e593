/** A load balancer of the simplest kind: each connection goes to the next hub that answers. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface Balancer {
  readonly port: number
  close(): void
}

export async function startBalancer(hubs: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let turn = 0

  function reach(client: Socket, tries: number): void {
    const port = hubs[(turn += 1) % hubs.length] ?? 0
    const hub = connect(port, '127.0.0.1')
    hub.once('error', () => (tries > 1 && !client.destroyed ? reach(client, tries - 1) : client.destroy()))
    hub.once('connect', () => {
      hub.removeAllListeners('error')
      for (const [one, other] of [
        [client, hub],
        [hub, client],
      ] as const) {
        sockets.add(one)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
      }
      client.pipe(hub).pipe(client)
    })
  }

  const server = createServer(client => {
    client.on('error', () => client.destroy())
    reach(client, hubs.length)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
