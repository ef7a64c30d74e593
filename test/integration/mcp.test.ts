/** A real client of the Model Context Protocol asks, over standard input and output, why a simulated run is slow. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eventually, freePort, plumbline, ROOT, startHubProcess, type Running } from '../plumbline'

const answerSchema = z.object({
  content: z.array(z.object({ type: z.literal('text'), text: z.string() })),
  isError: z.boolean().optional(),
})

let folder = ''
let url = ''
let hub: Running
const client = new Client({ name: 'test', version: '1' })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-mcp-'))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  hub = await startHubProcess(port, join(folder, 'hub'), ['--no-page'])
  const fleet = ['simulate', 'slow-rank', '--ranks', '16', '--fast', '--seed', '3', '--hub', url]
  const simulated = plumbline([...fleet, '--data', join(folder, 'fleet')])
  await simulated.ended
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(ROOT, 'bin/plumbline.js'), 'mcp', '--hub', url],
    stderr: 'ignore',
  })
  await client.connect(transport)
})
afterAll(async () => {
  await client.close()
  await hub.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

async function ask(name: string, asked: Record<string, unknown> = {}) {
  const { content, isError } = answerSchema.parse(await client.callTool({ name, arguments: asked }))
  return { text: content.map(({ text }) => text).join('\n'), failed: isError === true }
}
const theRun = async () => /^(\S+) "/m.exec((await ask('list_runs')).text)?.[1] ?? ''

describe('plumbline mcp', () => {
  it('tells what may be asked, and that nothing is changed by it', async () => {
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('explain_run')
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true)
    expect(tools.every(({ description = '' }) => description.length > 30)).toBe(true)
  })

  it('explains a run with a slow rank: the rank, what it costs, what to do', async () => {
    const run = await theRun()
    const text = await eventually('a finding', async () => {
      const said = (await ask('explain_run', { run })).text
      return said.includes('\nFound:') && said
    })
    expect(text).toMatch(/step time: .*\((measured|derived): /)
    expect(text).toMatch(/\[(warning|critical), \w+\] .*[Rr]ank \d+ is slow/)
    expect(text).toMatch(/^ {2}costs: .* % longer$/m)
    expect(text).toMatch(/^ {2}next: .{20,}$/m)
    const blamed = /[Rr]ank (\d+) is slow/.exec(text)?.[1]
    const slowest = await ask('slowest_ranks', { run, count: 1 })
    expect(slowest.text).toMatch(new RegExp(`^rank ${blamed}: `, 'm'))
  })

  it('gives the course of the run as numbers', async () => {
    const course = z
      .object({ step: z.array(z.number()), stepSeconds: z.array(z.number().nullable()) })
      .parse(JSON.parse((await ask('run_steps', { run: await theRun(), points: 20 })).text))
    expect(course.step.length).toBeGreaterThan(5)
    expect(course.stepSeconds).toHaveLength(course.step.length)
  })

  it('says what is wrong with a question, and what to do', async () => {
    const nobody = await ask('explain_run', { run: 'no-such-run' })
    expect(nobody).toEqual({ failed: true, text: expect.stringMatching(/no run "no-such-run"\nfix: /) as string })
    const living = await ask('post_mortem', { run: await theRun() })
    expect(living.failed).toBe(true)
  })
})
