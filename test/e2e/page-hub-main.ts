/** A hub as a process of its own: `page-hub-main.ts DATA PORT`; prints its address once it answers. */
import { resolve } from 'node:path'
import { EvidenceThread } from '../../cli/evidence/thread'
import { importRun } from '../../cli/import'
import { startHub } from '../../hub/hub'

const [data = '', port = '0'] = process.argv.slice(2)
let url = ''
const hub = await startHub({
  importFiles: (files, name) =>
    importRun({ files, name, node: undefined, hub: url, token: '', data, log: () => undefined }),
  evidenceReader: new EvidenceThread(),
  host: '127.0.0.1',
  port: Number(port),
  data,
  store: '',
  token: '',
  page: resolve(import.meta.dirname, '../..'),
  log: line => console.error(line),
})
url = hub.url
console.log(`hub at ${hub.url}`)
