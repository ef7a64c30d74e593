/** What is found in a simulated run: told to webhooks once, kept over a kill of the hub, with its cause and its cost. */
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { findingSchema, type Finding } from '../../wire/findings'
import { eventually, freePort, plumbline, startHubProcess, type Running } from '../plumbline'

const SECRET = 'of the webhook'
const MINUTES = 60_000
const PRICE = 2

interface Told {
  readonly body: string
  readonly signature: string | undefined
}
const toldSchema = z.object({ text: z.string(), what: z.string(), link: z.string(), finding: findingSchema })
const truthSchema = z.object({ run: z.string(), faults: z.array(z.object({ ranks: z.array(z.number()) })) })

let folder: string
let receiver: Server
let hub: Running
let port: number
const told: Told[] = []

const start = () =>
  startHubProcess(port, join(folder, 'hub'), [
    ...['--no-page', '--notify', `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhook`],
    ...['--notify-secret', SECRET, '--price-per-gpu-hour', String(PRICE), '--currency', 'USD'],
  ])

/** The hub takes a first request for granted: the receiver refuses it, and is told again. */
function receive(): Promise<Server> {
  let isFirst = true
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      if (isFirst) {
        isFirst = false
        response.writeHead(503).end()
        return
      }
      const signature = request.headers['x-plumbline-signature']
      told.push({ body, signature: typeof signature === 'string' ? signature : undefined })
      response.end()
    })
  })
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)))
}

async function simulate(scenario: string): Promise<z.infer<typeof truthSchema>> {
  const size = ['--ranks', '16', '--tensor', '1', '--pipeline', '1', '--gpus-per-node', '4', '--steps', '120']
  const where = ['--hub', `http://127.0.0.1:${port}`, '--data', join(folder, 'simulate')]
  const running = plumbline(['simulate', scenario, '--fast', '--json', ...size, ...where])
  const { code } = await running.ended
  expect(code, running.output.stderr).toBe(0)
  return truthSchema.parse(JSON.parse(running.output.stdout.toString()))
}

/** All findings of a run that was looked at to its end. */
function findingsOf(run: string): Promise<Finding[]> {
  return eventually('the last look', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/runs/${run}/findings`)
    const isWhole = answer.headers.get('plumbline-looked-to-step') === '120'
    return isWhole ? z.array(findingSchema).parse(await answer.json()) : undefined
  })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-findings-'))
  receiver = await receive()
  port = await freePort()
  hub = await start()
}, 3 * MINUTES)
afterAll(async () => {
  await hub.kill('SIGKILL')
  receiver.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('what is found in a run', () => {
  it(
    'is nothing where nothing is wrong',
    async () => {
      const { run } = await simulate('healthy')
      expect(await findingsOf(run)).toEqual([])
      expect(told).toEqual([])
    },
    3 * MINUTES,
  )

  it(
    'is told once, kept with cause and cost, and is the same after a kill of the hub',
    async () => {
      const { run, faults } = await simulate('power-cap')
      const before = await findingsOf(run)
      expect(before).toMatchObject([
        { state: 'closed', detector: 'slow-rank', ranks: faults[0]?.ranks, cause: 'power cap', currency: 'USD' },
      ])
      const [found] = before
      expect(found?.signs?.[0]?.says).toContain('power')
      expect(found?.costMoney).toBeCloseTo(PRICE * (found?.costGpuHours ?? NaN), 9)

      const news = await eventually('the word of its end', () => {
        const all = told.map(({ body }) => toldSchema.parse(JSON.parse(body)))
        return Promise.resolve(all.some(({ what }) => what === 'closed') ? all : undefined)
      })
      expect(news.map(({ what }) => what)).toEqual(['opened', 'closed'])
      expect(news[0]).toMatchObject({
        link: expect.stringContaining(`/runs/${run}/findings/${found?.id ?? ''}`) as string,
      })
      expect(news[0]?.text).toContain(found?.title)
      for (const { body, signature } of told)
        expect(signature).toBe(`sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`)

      await hub.kill('SIGKILL')
      hub = await start()
      expect(await findingsOf(run)).toEqual(before)
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      expect(metrics).toContain('plumbline_hub_notifications_total 0')
      expect(told).toHaveLength(2)
    },
    5 * MINUTES,
  )
})
