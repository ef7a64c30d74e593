import { PlumblineError } from '../base/errors'
import { format } from '../base/units'
import { openEngine, type Engine } from '../hub/store/engine'
import { inventoryOf } from '../hub/store/inventory'
import { moveStore } from '../hub/store/move'
import { migrate } from '../hub/store/store'
import { defineCommand, type Invocation } from './command'

/** Lines of progress come at most so often. */
const TELL_MS = 1000

const when = (seconds: number | null) => (seconds === null ? '-' : new Date(seconds * 1000).toISOString().slice(0, 19))

async function withEngine<T>(options: Parameters<typeof openEngine>[0], work: (engine: Engine) => Promise<T>) {
  const engine = await openEngine(options)
  try {
    await migrate(engine)
    return await work(engine)
  } finally {
    await engine.close()
  }
}

async function info({ settings, options }: Invocation): Promise<void> {
  const tables = await withEngine(settings, inventoryOf)
  if (options['json'] === true) return console.log(JSON.stringify(tables, null, 2))
  console.log(`${'table'.padEnd(16)} ${'rows'.padStart(14)} ${'on disk'.padStart(10)}  ${'oldest'.padEnd(19)}  newest`)
  for (const { table, rows, bytes, oldest, newest } of tables) {
    const size = format(bytes, 'bytes')
    console.log(
      `${table.padEnd(16)} ${String(rows).padStart(14)} ${size.padStart(10)}  ${when(oldest).padEnd(19)}  ${when(newest)}`,
    )
  }
}

function progress() {
  let toldAt = 0
  return (table: string, rows: number, of: number) => {
    if (rows < of && Date.now() - toldAt < TELL_MS) return
    toldAt = Date.now()
    const percent = of === 0 ? 100 : Math.floor((100 * rows) / of)
    console.error(`plumbline: ${table}: ${rows} of ${of} rows (${percent} %)`)
  }
}

async function move({ settings, options }: Invocation): Promise<void> {
  const { to, toCluster } = options
  if (typeof to !== 'string' || !URL.canParse(to))
    throw new PlumblineError('where to', {
      fix: 'plumbline store move --to http://CLICKHOUSE:8123/DATABASE',
      usage: true,
    })
  const target = { data: settings.data, store: to, storeCluster: typeof toCluster === 'string' ? toCluster : '' }
  const moved = await withEngine(settings, from =>
    withEngine(target, engine => moveStore({ from, to: engine, progress: progress() })),
  )
  if (options['json'] === true) return console.log(JSON.stringify(moved, null, 2))
  const rows = moved.reduce((sum, table) => sum + table.rows, 0)
  const present = moved.reduce((sum, table) => sum + table.present, 0)
  console.log(`${rows} rows of ${moved.length} tables are there and the same, ${present} of them from before`)
  console.log(
    `start the hub with --store ${to}${target.storeCluster === '' ? '' : ` --store-cluster ${target.storeCluster}`}`,
  )
}

export const command = defineCommand({
  settings: ['data', 'store', 'storeCluster'],
  configure(command) {
    command
      .argument('<action>', 'info: what the store holds; move: all of it into another')
      .option('--to <url>', 'the ClickHouse server to move into, with its database: http://HOST:8123/plumbline')
      .option('--to-cluster <name>', 'the cluster that this server is of')
      .addHelpText(
        'after',
        `
Stop the hub first: nobody may write the store meanwhile. A move that was interrupted is run again, and goes on where it was.
The old store stays as it is; evidence and tokens stay in the data folder, which the hub goes on using.`,
      )
  },
  async run(invocation) {
    const [action] = invocation.arguments
    if (action === 'info') await info(invocation)
    else if (action === 'move') await move(invocation)
    else throw new PlumblineError(`there is no action "${action ?? ''}"`, { fix: 'info or move', usage: true })
    return 0
  },
})
