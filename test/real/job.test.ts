import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunDetail, RunSummary, StepSeries } from '../../wire/api'
import { launchBrowser } from '../e2e/browser'
import { eventually, freePort, plumbline, ROOT, startHubProcess, storedSteps, type Running } from '../plumbline'
import { hasTorch, PYTHON, pythonPath } from './torch'

const RANKS = 4
const STEPS = 60
/** Steps that the page's figures are a mean of. */
const LAST_STEPS = 20

let folder: string
let url: string
let hub: Running
let browser: Browser
let port: number

const get = async <T>(path: string) => (await (await fetch(`${url}${path}`)).json()) as T
const settings = () => ({ PLUMBLINE_PORT: String(port), PLUMBLINE_DATA: join(folder, 'data') })
const train = (...more: string[]) => [PYTHON, join(ROOT, 'examples/train.py'), '--launch', String(RANKS), ...more]
const runNamed = (name: string) =>
  eventually(`run ${name}`, async () => (await get<RunSummary[]>('/api/runs')).find(run => run.name === name))

interface Truth {
  steps: { step: number; seconds: number; loss: number; communicationSeconds: number }[]
}
const truthOf = (rank: number) => JSON.parse(readFileSync(join(folder, `truth/rank-${rank}.json`), 'utf8')) as Truth
const median = (values: number[]) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN
/** Mean over the ranks of what each waited in a step, from the job's own clocks: time inside less the least of all. */
const waitsOf = (truth: Truth['steps'][]) =>
  (truth[0] ?? []).map((_, step) => {
    const inside = truth.map(rank => rank[step]?.communicationSeconds ?? NaN)
    return average(inside) - Math.min(...inside)
  })
const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe.skipIf(!hasTorch)('a real job of four ranks', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plumbline-real-'))
    port = await freePort()
    url = `http://127.0.0.1:${port}`
    hub = await startHubProcess(port, join(folder, 'data'))
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await hub.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  it('is on the page within two seconds of its log line, and the page agrees with what the job wrote', async () => {
    const truthFolder = join(folder, 'truth')
    const run = plumbline(
      [
        'run',
        '--name',
        'watched',
        '--',
        ...train('--steps', String(STEPS), '--truth', truthFolder, '--slow-rank', '2', '--slow-ms', '40'),
      ],
      settings(),
    )
    const summary = await runNamed('watched')
    const page = await browser.newPage()
    await page.goto(`${url}/runs/${summary.run}`)
    const log = await eventually('the first line', () =>
      Promise.resolve(run.output.stdout.includes('iter 0:') && { at: Date.now() }),
    )
    await page
      .getByText(/step \d+ of 60/)
      .first()
      .waitFor({ timeout: 10_000 })
    const delay = Date.now() - log.at
    // Said, not judged: a busy machine must not fail the test. The goal is 2 s.
    console.log(`from the first log line to the page: ${delay} ms`)

    expect(await run.ended).toEqual({ code: 0, signal: null })
    await page.getByText('Ended').first().waitFor({ timeout: 10_000 })
    const truth = Array.from({ length: RANKS }, (_, rank) => truthOf(rank).steps)
    const steps = await get<StepSeries>(`/api/runs/${summary.run}/steps?points=1000`)
    expect(steps.step).toEqual(truth[0]?.map(({ step }) => step))
    // The job prints rank 0's loss with four decimals: that is the whole job's.
    const lossErrors = truth[0]?.map(({ loss }, index) => Math.abs(loss - (steps.loss[index] ?? NaN))) ?? [NaN]
    expect(Math.max(...lossErrors)).toBeLessThan(0.00006)
    // The job stamps its own steps at another line of the loop than the hook: medians agree, single steps need not.
    const jobSeconds = median((truth[0] ?? []).slice(2).map(({ seconds }) => seconds))
    expect(Math.abs(median(steps.stepSeconds.slice(2).map(Number)) / jobSeconds - 1)).toBeLessThan(0.15)
    const jobWait = waitsOf(truth)
    const ratio = average(steps.syncWaitSeconds.map(Number)) / average(jobWait)
    console.log(
      `step ${jobSeconds.toFixed(4)} s; sync wait ${average(jobWait).toFixed(4)} s in the job, ratio ${ratio.toFixed(3)}`,
    )
    expect(Math.abs(ratio - 1)).toBeLessThan(0.05)

    // The figures that stand on the page are of the last steps.
    const figure = async (name: string) =>
      Number(await page.locator(`[data-figure="${name}"] [data-value]`).getAttribute('data-value'))
    const last = (truth[0] ?? []).slice(-LAST_STEPS)
    expect(Math.abs((await figure('loss')) - (last.at(-1)?.loss ?? NaN))).toBeLessThan(0.00006)
    expect((await figure('stepSeconds')) / average(last.map(({ seconds }) => seconds))).toBeCloseTo(1, 0.8)
    expect((await figure('syncWaitSeconds')) / average(jobWait.slice(-LAST_STEPS))).toBeCloseTo(1, 0.8)
    const rows = (await storedSteps(url, summary.run)).filter(row => !row.endsWith(','))
    expect(new Set(rows).size).toBe(RANKS * STEPS)
    expect(rows).toHaveLength(RANKS * STEPS)
    await page.close()
  })

  it('has its output and its exit code passed through untouched', async () => {
    const script = String.raw`import sys; sys.stdout.buffer.write(bytes(range(256)) * 400); sys.stdout.flush(); sys.stderr.write('on stderr\n'); sys.exit(7)`
    const run = plumbline(['run', '--quiet', '--', PYTHON, '-c', script], settings())
    expect(await run.ended).toEqual({ code: 7, signal: null })
    expect(
      run.output.stdout.equals(
        Buffer.concat(Array.from({ length: 400 }, () => Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)))),
      ),
    ).toBe(true)
    expect(run.output.stderr).toContain('on stderr\n')
  })

  it('ends with all its ranks at Ctrl-C', async () => {
    const run = plumbline(['run', '--name', 'interrupted', '--', ...train('--steps', '100000')], settings())
    const { run: id } = await runNamed('interrupted')
    const pids = await eventually('four ranks', async () => {
      const { ranks } = await get<RunDetail>(`/api/runs/${id}`)
      const found = ranks.flatMap(({ pid }) => (pid === null ? [] : [pid]))
      return found.length === RANKS && found
    })
    run.child.kill('SIGINT')
    const { code } = await run.ended
    expect(code).not.toBe(0)
    const left = pids.filter(pid => spawnSync('kill', ['-0', String(pid)]).status === 0)
    expect(left).toEqual([])
    await eventually(
      'the failed state',
      async () => (await get<RunDetail>(`/api/runs/${id}`)).summary.state === 'failed',
    )
  })

  it('loses no step and repeats none when the hub is killed with -9 meanwhile', async () => {
    const run = plumbline(['run', '--name', 'survivor', '--', ...train('--steps', '40')], settings())
    const { run: id } = await runNamed('survivor')
    await eventually('a few steps', async () => ((await get<RunDetail>(`/api/runs/${id}`)).summary.step ?? 0) > 8)
    await hub.kill('SIGKILL')
    hub = await startHubProcess(port, join(folder, 'data'))
    expect(await run.ended).toEqual({ code: 0, signal: null })
    const rows = (await storedSteps(url, id)).filter(row => !row.endsWith(','))
    expect(rows.sort()).toEqual(
      Array.from({ length: 40 * RANKS }, (_, i) => `${Math.floor(i / RANKS)},${i % RANKS}`).sort(),
    )
  })

  it('loses no step and repeats none when the agent is killed with -9 meanwhile, twice', async () => {
    const logs = join(folder, 'hook-logs')
    const startAgent = () =>
      plumbline(['agent', '--hub', url, '--logs', join(logs, '*.jsonl'), '--from-start'], {
        PLUMBLINE_DATA: join(folder, 'agent'),
      })
    const [command = '', ...args] = train('--steps', '40')
    const job = spawn(command, args, {
      stdio: 'ignore',
      env: {
        ...process.env,
        PYTHONPATH: pythonPath,
        PLUMBLINE_HOOK_DIR: logs,
        PLUMBLINE_RUN: 'followed',
      },
    })
    const ended = once(job, 'exit')
    let agent = startAgent()
    for (const step of [5, 15]) {
      await eventually(
        `step ${step}`,
        async () => ((await get<RunDetail>('/api/runs/followed')).summary.step ?? 0) > step,
      )
      await agent.kill('SIGKILL')
      agent = startAgent()
    }
    expect((await ended)[0]).toBe(0)
    const all = Array.from({ length: 40 * RANKS }, (_, i) => `${Math.floor(i / RANKS)},${i % RANKS}`).sort()
    await eventually('the last step', async () => (await storedSteps(url, 'followed')).length >= all.length)
    expect((await storedSteps(url, 'followed')).sort()).toEqual(all)
    await agent.kill('SIGTERM')
  })
})
