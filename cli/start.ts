import { join } from 'node:path'
import { PlumblineError } from '../base/errors'
import { packageRoot } from '../base/root'
import type { TlsFiles } from '../hub/access/tls'
import { startHub } from '../hub/hub'
import { keepOf } from '../hub/roll-ups/retention'
import { defineCommand, type Invocation } from './command'
import type { DemoOptions } from './demo/demo'
import { EvidenceThread } from './evidence/thread'
import { startNodeAgent } from './node-agent'
import { EXPORTS, type PlumblineSettings } from './settings'

const log = (line: string) => console.error(`plumbline: ${line}`)

/** Resolves at the first SIGINT or SIGTERM; a second one ends at once. */
function interrupted(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130))
        resolve()
      })
    }
  })
}

/** Plays the recorded run once for this hub, however often it is asked for. */
function demoOf(options: Omit<DemoOptions, 'hub'>, hub: () => string) {
  let playing: Promise<{ stop(): Promise<void> }> | undefined
  return {
    async play(): Promise<void> {
      const { startDemo } = await import('./demo/demo')
      playing ??= startDemo({ ...options, hub: hub() })
      await playing
    },
    stop: async () => (await playing)?.stop(),
  }
}

/** Throws a usage error where only one of the two is given. */
function tlsOf({ tlsCertificate, tlsKey }: PlumblineSettings): TlsFiles | undefined {
  if (tlsCertificate === '' && tlsKey === '') return undefined
  if (tlsCertificate !== '' && tlsKey !== '') return { certificate: tlsCertificate, key: tlsKey }
  throw new PlumblineError('TLS needs a certificate and its key', {
    fix: 'give both --tls-certificate and --tls-key',
    usage: true,
  })
}

async function companions(
  settings: PlumblineSettings,
  options: Invocation['options'],
  hub: string,
): Promise<{ stop(): Promise<unknown> }[]> {
  const started: { stop(): Promise<unknown> }[] = []
  if (options['agent'] !== false) {
    const handle = await startNodeAgent({ settings: { ...settings, hub }, log })
    started.push({ stop: () => handle.stop({ flushMs: 1000 }) })
  }
  return started
}

export const command = defineCommand({
  settings: [
    'port',
    'host',
    'data',
    'store',
    'keep',
    'storeCluster',
    'redis',
    'leaseSeconds',
    'token',
    'viewToken',
    'tlsCertificate',
    'tlsKey',
    'agentLimits',
    'logs',
    'scrape',
    'topology',
    'intervalMs',
    'spoolBytes',
    'notify',
    'notifySecret',
    'publicUrl',
    'pricePerGpuHour',
    'currency',
    ...EXPORTS,
  ],
  configure(command) {
    command
      .option('--demo', 'also play a recorded run through a real agent')
      .option('--no-agent', 'without an agent for this machine')
      .option('--no-page', 'without the dashboard')
  },
  async run({ settings, options }) {
    const ended = interrupted()
    const {
      host,
      port,
      data,
      store,
      storeCluster,
      redis,
      leaseSeconds,
      keep,
      token,
      viewToken,
      notify,
      notifySecret,
      publicUrl,
    } = settings
    const { pricePerGpuHour, currency } = settings
    const page = options['page'] === false ? undefined : packageRoot
    let url = ''
    const demo = demoOf({ data, token, log }, () => url)
    const hub = await startHub({
      host,
      port,
      data,
      store,
      keep: keepOf(keep),
      storeCluster,
      redis,
      leaseSeconds,
      token,
      viewToken,
      tls: tlsOf(settings),
      limits: settings.agentLimits,
      notify,
      notifySecret,
      price: pricePerGpuHour > 0 ? { perGpuHour: pricePerGpuHour, currency } : undefined,
      publicUrl: publicUrl.replace(/\/+$/, ''),
      page,
      log,
      evidenceReader: new EvidenceThread(),
      playDemo: demo.play,
      async importFiles(files, name) {
        const { importRun } = await import('./import')
        return importRun({
          files,
          name,
          node: undefined,
          hub: url,
          token,
          data,
          log: () => undefined,
          logFormats: settings.logFormats,
        })
      },
    })
    url = hub.ownUrl
    console.log(`Plumbline is at ${hub.url}`)
    const running = [...(await companions(settings, options, hub.ownUrl)), demo]
    if (options['demo'] === true) await demo.play()
    if (options['demo'] !== true)
      log(`attach a job: node ${join(packageRoot, 'bin/plumbline.js')} run -- python3 train.py`)
    await ended
    await Promise.all(running.map(companion => companion.stop()))
    await hub.close()
    // Sockets that browsers keep open must not keep a stopped hub alive.
    setTimeout(() => process.exit(0), 500).unref()
    return 0
  },
})
