import { defineCommand } from './command'
import { startNodeAgent } from './node-agent'
import { runOfThisPod } from './run-id'
import { EXPORTS } from './settings'

const log = (line: string) => console.error(line.replace(/^(?!error:|fix:)/gm, 'plumbline: '))

export const command = defineCommand({
  settings: [
    'hub',
    'token',
    'data',
    'logs',
    'logFormats',
    'scrape',
    'topology',
    'intervalMs',
    'spoolBytes',
    'cpuRatio',
    'niceness',
    ...EXPORTS,
  ],
  configure(command) {
    command
      .option('--run <id>', 'the run that the followed logs belong to; in a pod that of its labels')
      .option('--from-start', 'read logs that are there already from their beginning')
  },
  async run({ settings, options }) {
    const run = options['run']
    const agent = await startNodeAgent({
      settings,
      log,
      isAlone: true,
      fromStart: options['fromStart'] === true,
      run: typeof run === 'string' ? run : await runOfThisPod(),
    })
    await new Promise<void>(resolve => {
      process.once('SIGINT', resolve)
      process.once('SIGTERM', resolve)
    })
    const { pending } = await agent.stop({ flushMs: 5000 })
    if (pending > 0) log(`${pending} batches wait in ${agent.spoolFolder} for the next start`)
    return 0
  },
})
