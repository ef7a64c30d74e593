/** Two hubs behind a load balancer, on one store and one Redis: killed with -9, and everything once in the store. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { findingSchema, type Finding } from '../../wire/findings'
import { startBalancer, type Balancer } from '../chaos/balancer'
import { eventually, freePort, plumbline, startHubProcess, storedSteps, type Running } from '../plumbline'
import { hasRedis, startClickHouse, startRedis, type ServerProcess } from '../server-process'

const LEASE_SECONDS = 3
const SLOW_MS = 300_000
const RUNS = ['one', 'other']
let folder: string
let servers: ServerProcess[]
let balancer: Balancer
let receiver: Server
/** What was told of findings. */
const told: string[] = []
let ports: number[]
const hubs: (Running | undefined)[] = []
const agents: Running[] = []
const written = new Map<string, string[]>()

const urlOf = (hub: number) => `http://127.0.0.1:${ports[hub] ?? 0}`
async function startHub(hub: number): Promise<void> {
  const [store, redis] = servers
  hubs[hub] = await startHubProcess(ports[hub] ?? 0, join(folder, `hub-${hub}`), [
    ...['--no-page', '--store', `${store?.url ?? ''}/plumbline`],
    ...['--redis', redis?.url ?? '', '--lease-seconds', String(LEASE_SECONDS)],
    ...['--notify', `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhook`],
  ])
}

function receive(): Promise<Server> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      told.push(body)
      response.end()
    })
  })
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)))
}

/** Jobs that write as the hook does, until they are stopped. */
let stop: () => void = () => undefined
function write(): () => void {
  let step = 0
  const timer = setInterval(() => {
    for (const run of RUNS) {
      const record = { kind: 'step', source: 'hook', run, node: run, rank: 0, step, time: Date.now() / 1000 }
      appendFileSync(join(folder, `${run}.jsonl`), `${JSON.stringify(record)}\n`)
      written.get(run)?.push(`${step},0`)
    }
    step += 1
  }, 20)
  return () => clearInterval(timer)
}

const nodesSchema = z.array(z.object({ agents: z.number() }))
const runsSchema = z.array(z.object({ run: z.string(), step: z.number().nullable(), state: z.string() }))
const ask = async <T>(hub: number, path: string, schema: z.ZodType<T>) =>
  schema.parse(await (await fetch(`${urlOf(hub)}${path}`)).json())
const grown = async (hub: number) => {
  const before = new Map(
    await Promise.all(RUNS.map(async run => [run, (await storedSteps(urlOf(hub), run)).length] as const)),
  )
  for (const run of RUNS)
    await eventually(
      `more of ${run}`,
      async () => (await storedSteps(urlOf(hub), run)).length > (before.get(run) ?? 0) + 20,
      SLOW_MS,
    )
}

const toldSchema = z.object({ what: z.string(), link: z.string(), finding: findingSchema })
const news = () => told.map(body => toldSchema.parse(JSON.parse(body)))
const truthSchema = z.object({ run: z.string(), faults: z.array(z.object({ ranks: z.array(z.number()) })) })

/** All findings of a run that was looked at to its end. */
function findingsOf(hub: number, run: string): Promise<Finding[]> {
  return eventually(
    'the last look',
    async () => {
      const answer = await fetch(`${urlOf(hub)}/api/runs/${run}/findings`)
      const isWhole = answer.headers.get('plumbline-looked-to-step') === '120'
      return isWhole ? z.array(findingSchema).parse(await answer.json()) : undefined
    },
    SLOW_MS,
  )
}

describe.skipIf(!hasRedis)('two hubs', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plumbline-fleet-'))
    servers = await Promise.all([startClickHouse(join(folder, 'store')), startRedis()])
    receiver = await receive()
    ports = [await freePort(), await freePort()]
    balancer = await startBalancer(ports)
    for (const hub of [0, 1]) await startHub(hub)
    for (const run of RUNS) {
      written.set(run, [])
      mkdirSync(join(folder, `${run}-data`))
      const own = ['--data', join(folder, `${run}-data`), '--logs', join(folder, `${run}.jsonl`), '--from-start']
      agents.push(plumbline(['agent', '--hub', `http://127.0.0.1:${balancer.port}`, ...own]))
    }
  }, SLOW_MS)
  afterAll(async () => {
    stop()
    for (const one of [...agents, ...hubs]) await one?.kill('SIGKILL')
    balancer.close()
    receiver.close()
    for (const server of servers) await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }, SLOW_MS)

  it(
    'store everything once, whichever is killed, and each shows what came to the other',
    async () => {
      stop = write()
      await grown(0)
      for (const hub of [0, 1]) {
        await hubs[hub]?.kill('SIGKILL')
        await grown(1 - hub)
        await startHub(hub)
      }
      for (const hub of [0, 1]) {
        await grown(hub)
        await eventually(`both agents at hub ${hub}`, async () => {
          const nodes = await ask(hub, '/api/nodes', nodesSchema)
          return nodes.some(({ agents }) => agents === RUNS.length)
        })
      }
      stop()
      for (const run of RUNS) {
        const all = written.get(run) ?? []
        await eventually(`all of ${run}`, async () => (await storedSteps(urlOf(0), run)).length >= all.length, SLOW_MS)
        expect((await storedSteps(urlOf(0), run)).sort()).toEqual(all.toSorted())
        for (const hub of [0, 1])
          await eventually(`its last step at hub ${hub}`, async () => {
            const found = (await ask(hub, '/api/runs', runsSchema)).find(one => one.run === run)
            return found?.step === all.length - 1 && found.state === 'live'
          })
      }
    },
    SLOW_MS,
  )

  it(
    'look at each run once, and one goes on for the other',
    async () => {
      for (const agent of agents) await agent.kill('SIGKILL')
      const size = [
        '--ranks',
        '16',
        '--tensor',
        '1',
        '--pipeline',
        '1',
        '--gpus-per-node',
        '4',
        '--steps',
        '120',
        '--step-seconds',
        '0.1',
      ]
      const where = ['--hub', `http://127.0.0.1:${balancer.port}`, '--data', join(folder, 'simulate')]
      const before = new Set((await ask(1, '/api/runs', runsSchema)).map(({ run }) => run))
      const simulated = plumbline(['simulate', 'power-cap', '--json', ...size, ...where])
      const first = await eventually('the word of a finding', () =>
        Promise.resolve(news().find(({ finding }) => !before.has(finding.run))),
      )
      // In the middle of the run, the hub that looks at it, as soon as it has told: the other goes on where it was.
      const killed = ports.indexOf(Number(new URL(first.link).port))
      await hubs[killed]?.kill('SIGKILL')
      expect((await simulated.ended).code, simulated.output.stderr).toBe(0)
      const { run, faults } = truthSchema.parse(JSON.parse(simulated.output.stdout.toString()))
      const found = await findingsOf(1 - killed, run)
      expect(found).toMatchObject([{ state: 'closed', detector: 'slow-rank', ranks: faults[0]?.ranks }])
      await startHub(killed)
      expect(await findingsOf(killed, run)).toEqual(found)
      expect((await ask(killed, '/api/hubs', z.array(z.object({ isThis: z.boolean() })))).length).toBe(2)
      const own = () => news().filter(({ finding }) => finding.run === run)
      await eventually('the word of its end', () => Promise.resolve(own().some(({ what }) => what === 'closed')))
      // By how much it costs it may have changed.
      const ends = own().filter(({ what }) => what !== 'changed')
      expect(ends.map(({ what, finding: { id } }) => [what, id])).toEqual([
        ['opened', first.finding.id],
        ['closed', first.finding.id],
      ])
    },
    SLOW_MS,
  )
})
