/**
 * Which switch and port each card of this node is plugged into, as the switches themselves announce (LLDP): asked of lldpd,
 * else of systemd-networkd, else read from the frames that networkd keeps. Told once, and again when it changes.
 */
import { defineCollector, type Availability, type Context, type Json, type Session } from './collector'
import type { Host } from './host'
import { parseDocument } from './topology/document'
import { cablesOfDocument, cablesOfFrames } from './topology/lldp'
import type { Cable } from './topology/tree'

const TIMEOUT_MS = 4_000
const FRAMES = '/run/systemd/netif/lldp'
const MOST_FRAME_BYTES = 1024 * 1024
const COMMANDS: readonly (readonly [command: string, args: readonly string[]])[] = [
  ['lldpctl', ['-f', 'json']],
  ['networkctl', ['lldp', '--json=short']],
]

/** networkd names its files by the index of the interface. */
async function readFrames(host: Host): Promise<Cable[]> {
  const files = await host.list(FRAMES)
  if (files.length === 0) return []
  const names = await host.list('/sys/class/net')
  const indices = new Map(
    await Promise.all(
      names.map(async name => [(await host.read(`/sys/class/net/${name}/ifindex`))?.trim(), name] as const),
    ),
  )
  const cables = await Promise.all(
    files.map(async file => {
      const name = indices.get(file)
      const bytes = await host.readRange(`${FRAMES}/${file}`, 0, MOST_FRAME_BYTES).catch(() => Buffer.alloc(0))
      return name === undefined ? [] : cablesOfFrames(name, bytes)
    }),
  )
  return cables.flat()
}

async function neighbours(host: Host): Promise<{ by: string; cables: Cable[] }> {
  for (const [command, args] of COMMANDS) {
    const { code, stdout } = await host.run(command, args, TIMEOUT_MS)
    const cables = code === 0 ? cablesOfDocument(parseDocument(stdout)) : []
    if (cables.length > 0) return { by: command, cables }
  }
  return { by: 'systemd-networkd', cables: await readFrames(host) }
}

async function detect(host: Host): Promise<Availability> {
  const { by, cables } = await neighbours(host)
  if (cables.length > 0)
    return { available: true, detail: `${by}: ${cables.map(cable => `${cable.device} at ${cable.switch}`).join(', ')}` }
  return {
    available: false,
    why: 'no LLDP neighbour is known here',
    fix: 'run lldpd (apt-get install lldpd), or set LLDP=yes for the cards in systemd-networkd, where the switches send LLDP; else give a --topology FILE',
  }
}

class LldpSession implements Session {
  /** What was told last, as JSON. */
  private told: string

  constructor(private readonly context: Context) {
    this.told = typeof context.cursor === 'string' ? context.cursor : ''
  }

  async collect(): Promise<void> {
    const { host } = this.context
    const { cables } = await neighbours(host)
    const now = JSON.stringify(cables)
    // A daemon that is being restarted knows no neighbours for a while.
    if (cables.length === 0 || now === this.told) return
    const [time, node] = [host.now(), host.hostname]
    for (const cable of cables) this.context.batch().add({ ...cable, time, node })
    this.told = now
  }

  cursor(): Json {
    return this.told
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

export const lldp = defineCollector({
  name: 'lldp',
  help: 'the switch and port that each network card is plugged into, by LLDP',
  scope: 'node',
  everyMs: () => 60_000,
  timeoutMs: 15_000,
  detect: host => detect(host),
  open: context => Promise.resolve(new LldpSession(context)),
})
