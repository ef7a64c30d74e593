import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Spool } from '../../agent/spool'
import { Uplink } from '../../agent/uplink'

/** The address under which an agent that sends of `run` asks for its hub. */
async function asked(run: string | undefined): Promise<URL> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-uplink-'))
  const server = createServer()
  const seen = new Promise<string>(resolve =>
    server.on('upgrade', (request, socket) => {
      resolve(request.url ?? '')
      socket.destroy()
    }),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const hub = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const spool = new Spool(folder, 1e6)
  const uplink = new Uplink({ hub, token: '', node: 'n', run, spool, log: () => undefined })
  try {
    return new URL(await seen, hub)
  } finally {
    uplink.close()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

it('an agent names its run in the address, for a balancer to go by, and none where it knows none', async () => {
  expect((await asked('a run & more')).searchParams.get('run')).toBe('a run & more')
  expect((await asked(undefined)).searchParams.has('run')).toBe(false)
})
