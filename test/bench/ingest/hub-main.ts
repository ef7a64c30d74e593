/** A hub as a process of its own: `hub-main.ts DATA`; tells its parent the address. */
import { startHub } from '../../../hub/hub'

const [data = ''] = process.argv.slice(2)
const hub = await startHub({
  host: '127.0.0.1',
  port: 0,
  data,
  store: '',
  token: '',
  page: undefined,
  log: line => console.error(line),
})
process.send?.(hub.url)
process.once('SIGTERM', () => void hub.close().then(() => process.exit(0)))
