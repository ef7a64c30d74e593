import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually, freePort, plumbline, startHubProcess, storedSteps, type Running } from '../plumbline'

const RANKS = 4
const RUN = 'killed'

let folder: string
let port: number
let running: Running[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-once-'))
  port = await freePort()
  running = []
})
afterEach(async () => {
  await Promise.all(running.map(one => one.kill('SIGKILL')))
  rmSync(folder, { recursive: true, force: true })
})

const url = () => `http://127.0.0.1:${port}`
async function hub(): Promise<Running> {
  const one = await startHubProcess(port, join(folder, 'hub'), ['--no-page'])
  running.push(one)
  return one
}
function agent(): Running {
  const one = plumbline([
    'agent',
    '--hub',
    url(),
    '--data',
    join(folder, 'agent'),
    '--logs',
    join(folder, 'logs/*.jsonl'),
    '--from-start',
  ])
  running.push(one)
  return one
}

/** A job that writes as the hook does, at 50 steps a second, until it is stopped; gives what it wrote. */
function job(): { written: () => string[]; stop: () => void } {
  mkdirSync(join(folder, 'logs'), { recursive: true })
  const written: string[] = []
  let step = 0
  const timer = setInterval(() => {
    for (let rank = 0; rank < RANKS; rank += 1) {
      const record = {
        kind: 'step',
        source: 'hook',
        run: RUN,
        node: 'n',
        rank,
        step,
        time: Date.now() / 1000,
        stepSeconds: 0.02,
      }
      appendFileSync(join(folder, `logs/rank-${rank}.jsonl`), `${JSON.stringify(record)}\n`)
      written.push(`${step},${rank}`)
    }
    step += 1
  }, 20)
  return { written: () => [...written], stop: () => clearInterval(timer) }
}

const storedCount = async () => (await storedSteps(url(), RUN)).length
const grown = (from: number) => eventually('new rows', async () => (await storedCount()) > from + 40)

describe('every step is stored once', () => {
  it('when the hub is killed with -9 in the middle and started again, twice', async () => {
    let current = await hub()
    agent()
    const { written, stop } = job()
    for (let round = 0; round < 2; round += 1) {
      await grown(round === 0 ? 0 : await storedCount())
      await current.kill('SIGKILL')
      await new Promise(done => setTimeout(done, 400))
      current = await hub()
    }
    await grown(await storedCount())
    stop()
    await eventually('all rows', async () => (await storedCount()) >= written().length)
    expect((await storedSteps(url(), RUN)).sort()).toEqual(written().sort())
  })

  it('when the agent is killed with -9 in the middle and started again, twice', async () => {
    await hub()
    let current = agent()
    const { written, stop } = job()
    for (let round = 0; round < 2; round += 1) {
      await grown(round === 0 ? 0 : await storedCount())
      await current.kill('SIGKILL')
      await new Promise(done => setTimeout(done, 300))
      current = agent()
    }
    await grown(await storedCount())
    stop()
    await eventually('all rows', async () => (await storedCount()) >= written().length)
    expect((await storedSteps(url(), RUN)).sort()).toEqual(written().sort())
  })

  it('when there was no hub at first: the spool holds it all', async () => {
    agent()
    const { written, stop } = job()
    await new Promise(done => setTimeout(done, 1500))
    await hub()
    await grown(0)
    stop()
    await eventually('all rows', async () => (await storedCount()) >= written().length)
    expect((await storedSteps(url(), RUN)).sort()).toEqual(written().sort())
  })
})

describe('an agent with a wrong token', () => {
  it('is told so on its terminal and on the page, and its data wait', async () => {
    const one = await startHubProcess(port, join(folder, 'hub'), ['--no-page', '--token', 'right'])
    running.push(one)
    const wrong = plumbline(['agent', '--hub', url(), '--data', join(folder, 'agent'), '--token', 'wrong'])
    running.push(wrong)
    await eventually('the line', () =>
      Promise.resolve(wrong.output.stderr.includes('error: the hub refuses this agent')),
    )
    expect(wrong.output.stderr).toMatch(/fix: .*--token/)
    const nodes = (await (await fetch(`${url()}/api/nodes`)).json()) as { refusals: { error: string }[] }[]
    expect(nodes.flatMap(node => node.refusals.map(({ error }) => error))).toEqual([
      'the token is not one of the hub’s',
    ])
    expect(wrong.child.exitCode).toBeNull()
  })
})
