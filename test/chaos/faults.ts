/** What happens to a hub, its agents and the network between them. Each fault ends by itself. */
import { statfsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../base/clock'
import { startClickHouse, startRedis } from '../server-process'
import { LEASE_SECONDS, type Stage } from './stage'

export interface Fault {
  readonly name: string
  /** Where it cannot be had here: why. */
  readonly missing?: (stage: Stage) => string | undefined
  make(stage: Stage, random: () => number): Promise<void>
}

const anAgent = ({ agents }: Stage, random: () => number) => agents[Math.floor(random() * agents.length)]
const aHub = ({ hubs }: Stage, random: () => number) => hubs[Math.floor(random() * hubs.length)]

/** Fills the disk that a folder is on, for a while; a small one only. */
async function fill(folder: string, milliseconds: number): Promise<void> {
  const file = join(folder, 'filler')
  const { bavail, bsize } = statfsSync(folder)
  try {
    writeFileSync(file, Buffer.alloc(bavail * bsize + bsize))
  } catch {
    // That is what was wanted.
  }
  await sleep(milliseconds)
  rmSync(file, { force: true })
}

const SMALL_DISK = 1024 ** 3
const bigDisk = ({ folder }: Stage) => {
  const { blocks, bsize } = statfsSync(folder)
  return blocks * bsize > SMALL_DISK ? 'the folder is on no small disk (--disk)' : undefined
}

const sharedClock = ({ shared }: Stage) =>
  shared === undefined ? undefined : 'hubs of one store start with one time only'
const ofOne = ({ shared }: Stage) => (shared === undefined ? 'there is one hub (--hubs)' : undefined)

export const faults: readonly Fault[] = [
  {
    name: 'one of several hubs stopped for longer than its lease (SIGSTOP)',
    missing: ofOne,
    async make(stage, random) {
      const hub = aHub(stage, random)
      hub?.signal('SIGSTOP')
      await sleep(2.5 * LEASE_SECONDS * 1000)
      hub?.signal('SIGCONT')
      await sleep(2000)
    },
  },
  {
    name: 'all of several hubs killed with -9 at once',
    missing: ofOne,
    async make({ hubs }) {
      await Promise.all(hubs.map(hub => hub.kill()))
      await sleep(300)
      for (const hub of hubs) hub.start()
      await sleep(4000)
    },
  },
  {
    name: 'Redis killed with -9, empty when it is back',
    missing: ofOne,
    async make({ shared }) {
      if (shared === undefined) return
      await shared.redis.stop()
      await sleep(500 + LEASE_SECONDS * 500)
      shared.redis = await startRedis(shared.redis.port)
      await sleep(2.5 * LEASE_SECONDS * 1000)
    },
  },
  {
    name: 'the store of several hubs killed with -9, started again',
    missing: ofOne,
    async make({ shared }) {
      if (shared === undefined) return
      await shared.store.stop()
      await sleep(500)
      shared.store = await startClickHouse(shared.storeFolder, { port: shared.store.port })
      await sleep(2000)
    },
  },
  {
    name: 'hub killed with -9, started again',
    async make(stage, random) {
      const hub = aHub(stage, random)
      await hub?.kill()
      await sleep(500)
      hub?.start()
      await sleep(4000)
    },
  },
  {
    name: 'agent killed with -9 in mid-batch, started again',
    async make(stage, random) {
      const agent = anAgent(stage, random)
      await agent?.kill()
      await sleep(300)
      agent?.start()
      await sleep(2000)
    },
  },
  {
    name: 'hub and agent killed with -9 at once',
    async make(stage, random) {
      const [agent, hub] = [anAgent(stage, random), aHub(stage, random)]
      await Promise.all([agent?.kill(), hub?.kill()])
      await sleep(300)
      agent?.start()
      hub?.start()
      await sleep(4000)
    },
  },
  {
    name: 'hub stopped for 4 s (SIGSTOP)',
    async make(stage, random) {
      const hub = aHub(stage, random)
      hub?.signal('SIGSTOP')
      await sleep(4000)
      hub?.signal('SIGCONT')
    },
  },
  {
    name: 'agent stopped for 2 s (SIGSTOP)',
    async make(stage, random) {
      const agent = anAgent(stage, random)
      agent?.signal('SIGSTOP')
      await sleep(2000)
      agent?.signal('SIGCONT')
    },
  },
  {
    name: 'network cut for 2 s',
    async make({ proxy }) {
      proxy.state = 'cut'
      proxy.cut()
      await sleep(2000)
      proxy.state = 'good'
    },
  },
  {
    name: 'network slow for 4 s (20 kB/s)',
    async make({ proxy }) {
      proxy.state = 'slow'
      await sleep(4000)
      proxy.state = 'good'
    },
  },
  {
    name: 'acknowledgements lost for 1.5 s, then the connection',
    async make({ proxy }) {
      proxy.state = 'deaf'
      await sleep(1500)
      proxy.cut()
      proxy.state = 'good'
    },
  },
  {
    name: 'clock of the hub a day ahead, then back',
    missing: sharedClock,
    async make(stage) {
      stage.setClock('hub', 86_400)
      await sleep(1500)
      stage.setClock('hub', -3600)
      await sleep(1500)
      stage.setClock('hub', 0)
    },
  },
  {
    name: 'clock of the hub a day ahead when it is killed with -9',
    missing: sharedClock,
    async make(stage) {
      stage.setClock('hub', 86_400)
      await sleep(1500)
      await stage.hubs[0]?.kill()
      stage.setClock('hub', 0)
      await sleep(300)
      stage.hubs[0]?.start()
      await sleep(4000)
    },
  },
  {
    name: 'disk full for 3 s',
    missing: bigDisk,
    make: ({ folder }) => fill(folder, 3000),
  },
]
