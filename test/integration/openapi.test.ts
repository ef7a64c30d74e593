/** `/api/openapi.json` against what the hub really answers, and the small client of `examples/` against both. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { endpoints } from '../../hub/http/index'
import { startRecords, stepRecords, TestAgent } from '../e2e/page-agent'
import { freePort, ROOT, startHubProcess, type Running } from '../plumbline'

const RUN = 'a-run'
/** Endpoints that answer otherwise here: nothing ran out of memory, and importing is tested by itself. */
const ELSEWHERE = [
  'demo',
  'evidence-summary',
  'evidence-file',
  'snapshot-window',
  'snapshot-moment',
  'snapshot-entries',
  'post-mortem',
  'post-mortem.md',
  'post-mortem.html',
  'import-file',
  'import',
  'note',
]
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ operationId: z.string(), responses: z.looseObject({ '4XX': z.object({}) }) })),
  ),
})

let folder = ''
let url = ''
let hub: Running
let agent: TestAgent

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-openapi-'))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  hub = await startHubProcess(port, join(folder, 'hub'), ['--no-page'])
  agent = await TestAgent.connect(url, 'n1')
  const now = Date.now() / 1000
  await agent.send(startRecords(RUN, 'n1', 2, now))
  await agent.send(stepRecords(RUN, 'n1', 2, 1, now))
})
afterAll(async () => {
  agent.close()
  await hub.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

describe('the OpenAPI document', () => {
  it('names every endpoint once, by the path that the hub answers', async () => {
    const { paths } = documentSchema.parse(await (await fetch(`${url}/api/openapi.json`)).json())
    const named = Object.values(paths).flatMap(methods => Object.values(methods).map(({ operationId }) => operationId))
    expect(named.sort()).toEqual([...endpoints.names].sort())
  })

  it.each([...endpoints].filter(({ name }) => !ELSEWHERE.includes(name)))(
    'tells the truth of $path',
    async ({ name, path, answers }) => {
      const answer = await fetch(`${url}${path.replace(':run', RUN)}${name === 'peers' ? '?rank=0' : ''}`)
      expect(answer.status).toBe(200)
      if (typeof answers === 'string') return expect(answer.headers.get('content-type')).toContain(answers)
      const parsed = answers.safeParse(await answer.json())
      expect(parsed.error?.issues).toBeUndefined()
    },
  )

  it('says how an error looks', async () => {
    const answer = await fetch(`${url}/api/runs/none`)
    expect(answer.status).toBe(404)
    expect(await answer.json()).toEqual({ error: expect.any(String) as string, fix: expect.any(String) as string })
  })
})

describe('examples/client.mjs', () => {
  const client = (address: string) =>
    spawnSync(process.execPath, [join(ROOT, 'examples/client.mjs'), address], { encoding: 'utf8' })

  it('prints the runs', () => {
    const { status, stdout } = client(url)
    expect(status).toBe(0)
    expect(stdout).toMatch(/\(a-run\): \w+, step \d+, [\d.]+ s a step/)
  })
})
