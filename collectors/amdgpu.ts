/**
 * AMD devices from the files of their driver: the cheapest source, and preferred to amd-smi and rocm-smi. Of a device that is
 * divided into partitions it says only what is true of the whole.
 */
import { PlumblineError } from '../base/errors'
import { CardFiles, findCards } from './amd/cards'
import { LOAD_DRIVER } from './amd/failures'
import { sysfsRecords } from './amd/sysfs'
import { defineCollector, type Availability, type Context, type Session } from './collector'
import type { Host } from './host'

const FIX = `where there is an AMD device: ${LOAD_DRIVER}; in a container mount /sys`

async function detect(host: Host): Promise<Availability> {
  const cards = await findCards(host)
  if (cards.length > 0) return { available: true, detail: `${cards.length} × amdgpu in /sys/class/drm` }
  const loaded = (await host.stat('/sys/module/amdgpu')) !== undefined
  const why = loaded ? 'the driver amdgpu is loaded and has no device' : 'the driver amdgpu is not loaded'
  return { available: false, why, fix: FIX }
}

class AmdgpuSession implements Session {
  private cards: readonly CardFiles[] = []

  constructor(private readonly context: Context) {}

  async collect(): Promise<void> {
    const { host } = this.context
    if (this.cards.length === 0) this.cards = (await findCards(host)).map(card => new CardFiles(card))
    if (this.cards.length === 0) throw new PlumblineError('amdgpu has no device in /sys/class/drm', { fix: FIX })
    const time = host.now()
    const read = await Promise.all(this.cards.map(async card => [card.card.index, await card.read(host)] as const))
    let found = false
    for (const [index, files] of read) {
      if (files === undefined) found = true
      if (files === undefined || files.size === 0) continue
      found = true
      for (const record of sysfsRecords(index, files))
        this.context.batch().add({ ...record, time, node: host.hostname })
    }
    // All are gone: the driver was unloaded, or will come again with other numbers.
    if (!found) this.cards = []
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

export const amdgpu = defineCollector({
  name: 'amdgpu',
  help: 'AMD devices from the files of their driver: utilisation, memory, power, clocks, temperature, errors',
  scope: 'node',
  everyMs: ({ intervalMs }) => Math.max(100, intervalMs),
  timeoutMs: 10_000,
  detect: host => detect(host),
  open: context => Promise.resolve(new AmdgpuSession(context)),
})
