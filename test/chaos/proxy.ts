/** A network that can be bad: a TCP proxy in this process. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

const SLOW_BYTES_PER_SECOND = 20_000

export interface Proxy {
  readonly port: number
  /** `deaf`: what the hub answers does not come back. */
  state: 'good' | 'cut' | 'slow' | 'deaf'
  /** Ends all connections. */
  cut(): void
  close(): void
}

export async function startProxy(to: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const proxy = { port: 0, state: 'good' as Proxy['state'], cut, close }

  function pass(from: Socket, into: Socket, isAnswer: boolean): void {
    from.on('data', (bytes: Buffer) => {
      if (isAnswer && proxy.state === 'deaf') return
      into.write(bytes)
      if (proxy.state !== 'slow') return
      from.pause()
      setTimeout(() => from.resume(), 100 + (bytes.length / SLOW_BYTES_PER_SECOND) * 1000)
    })
    from.on('error', () => into.destroy())
    from.on('close', () => {
      sockets.delete(from)
      into.destroy()
    })
  }
  function cut(): void {
    for (const socket of sockets) socket.destroy()
  }
  function close(): void {
    cut()
    server.close()
  }
  const server = createServer(agent => {
    if (proxy.state === 'cut') return void agent.destroy()
    const hub = connect(to, '127.0.0.1')
    sockets.add(agent).add(hub)
    pass(agent, hub, false)
    pass(hub, agent, true)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  proxy.port = (server.address() as AddressInfo).port
  return proxy
}
