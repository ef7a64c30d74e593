/**
 * A ClickHouse server for tests: the embedded engine behind ClickHouse's HTTP interface, as a process of its own.
 * `tsx test/clickhouse-door.ts PORT FOLDER [CLUSTER]`
 *
 * With a cluster, tables before it are the real Distributed engine, over one shard that is this server. What needs more than
 * one process is left out: ON CLUSTER and replication.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createClient } from '@clickhouse/client'
import { Session } from 'chdb'
import { createChdbConnection } from 'chdb/connection'

const [port = '0', folder = '', cluster = ''] = process.argv.slice(2)
const data = resolve(folder)
mkdirSync(data, { recursive: true })

const element = (name: string, ...content: string[]) => `<${name}>${content.join('')}</${name}>`
function configured(): string {
  const replica = element('replica', element('host', '127.0.0.1'), element('port', '9000'))
  const file = join(data, 'config.xml')
  writeFileSync(
    file,
    element(
      'clickhouse',
      element('tcp_port', '9000'),
      element('remote_servers', element(cluster, element('shard', replica))),
      element('macros', element('shard', '1'), element('replica', 'one')),
    ),
  )
  return file
}

// Settings of the server itself come only this way; the client then speaks to the same engine.
const session = new Session(join(data, 'store'), {
  connectionArgs: cluster === '' ? [] : [`--config-file=${configured()}`],
})
const connection = createChdbConnection({ path: join(data, 'store') }) as unknown
const client = createClient({ connection } as Parameters<typeof createClient>[0])
await client.command({ query: 'CREATE DATABASE IF NOT EXISTS plumbline ENGINE = Atomic' })
await client.command({ query: 'USE plumbline' })

let files = 0

/** The embedded engine takes bytes by a file. */
async function insert(query: string, body: IncomingMessage): Promise<void> {
  const file = join(data, `incoming-${(files += 1)}.native`)
  try {
    const handle = await open(file, 'w')
    await pipeline(body, handle.createWriteStream())
    const columns = /^INSERT INTO \S+ \(([^)]*)\)/.exec(query)?.[1] ?? '*'
    const isSelect = query.includes('FROM input(')
    await client.command({
      query: query
        .replace('FROM input(', `FROM file('${file}', 'Native', `)
        .replace(/FORMAT Native\s*$/, isSelect ? '' : `SELECT ${columns} FROM file('${file}', 'Native')`),
    })
  } finally {
    await rm(file, { force: true })
  }
}

async function textOf(body: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of body as AsyncIterable<Buffer>) text += part.toString('utf8')
  return text
}

const adapted = (query: string) =>
  query.replace(/ ON CLUSTER `\w+`/g, '').replace(/\bENGINE = Replicated/g, 'ENGINE = ')

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { searchParams, pathname } = new URL(request.url ?? '/', 'http://server')
  if (pathname === '/ping') return void response.end('Ok.\n')
  const given = searchParams.get('query')
  if (given !== null && /FORMAT Native\s*$/.test(given)) {
    await insert(given, request)
    return void response.end()
  }
  const query = adapted(`${given ?? ''}${await textOf(request)}`)
  const parameters = [...searchParams].filter(([name]) => name.startsWith('param_'))
  const settings = [...searchParams].filter(([name]) => /^(output_|distributed_|max_|final|allow_)/.test(name))
  const { stream } = await client.exec({
    query,
    query_params: Object.fromEntries(
      parameters.map(([name, value]) => [name.slice('param_'.length), unescaped(value)]),
    ),
    clickhouse_settings: Object.fromEntries(settings),
  })
  await pipeline(stream, response)
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0' }
const unescaped = (text: string) => text.replace(/\\(.)/gs, (_, one: string) => ESCAPES[one] ?? one)

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    if (!response.headersSent) response.writeHead(500, { 'x-clickhouse-exception-code': '1' })
    response.end(`Code: 1. DB::Exception: ${message}`)
  })
})
server.keepAliveTimeout = 60_000
server.listen(Number(port), '127.0.0.1', () => console.log('ready'))
process.once('SIGTERM', () => {
  session.close()
  process.exit(0)
})
