/** A hub as a process of its own: `page-hub-main.ts DATA PORT`; prints its address once it answers. */
import { resolve } from 'node:path'
import { startHub } from '../../hub/hub'

const [data = '', port = '0'] = process.argv.slice(2)
const hub = await startHub({
  ...{ host: '127.0.0.1', port: Number(port), data, store: '', token: '' },
  page: resolve(import.meta.dirname, '../..'),
  log: line => console.error(line),
})
console.log(`hub at ${hub.url}`)
