import { join } from 'node:path'
import { packageRoot } from '../base/root'
import { startHub } from '../hub/hub'
import { defineCommand, type Invocation } from './command'
import { startNodeAgent } from './node-agent'
import type { PlumblineSettings } from './settings'

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
  if (options['demo'] === true) {
    const { startDemo } = await import('./demo/demo')
    started.push(await startDemo({ data: settings.data, hub, token: settings.token, log }))
  }
  return started
}

export const command = defineCommand({
  settings: [
    'port',
    'host',
    'data',
    'store',
    'token',
    'logs',
    'scrape',
    'topology',
    'intervalMs',
    'spoolBytes',
    'metricsPort',
    'otlp',
    'notify',
    'notifySecret',
    'publicUrl',
  ],
  configure(command) {
    command
      .option('--demo', 'also play a recorded run through a real agent')
      .option('--no-agent', 'without an agent for this machine')
      .option('--no-page', 'without the dashboard')
  },
  async run({ settings, options }) {
    const ended = interrupted()
    const { host, port, data, store, token, notify, notifySecret, publicUrl } = settings
    const page = options['page'] === false ? undefined : packageRoot
    let url = ''
    const hub = await startHub({
      host,
      port,
      data,
      store,
      token,
      notify,
      notifySecret,
      publicUrl: publicUrl.replace(/\/+$/, ''),
      page,
      log,
      async readEvidence(kind, path) {
        const { readEvidence } = await import('./evidence')
        return readEvidence(kind, path)
      },
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
    url = hub.url
    console.log(`Plumbline is at ${hub.url}`)
    const running = await companions(settings, options, hub.url)
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
