import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NodeInfo, RunSummary } from '../../wire/api'
import { eventually, freePort, plumbline, ROOT, startHubProcess, storedSteps, type Running } from '../plumbline'

let folder: string
let url: string
let hub: Running
const agents: Running[] = []

const get = async <T>(path: string) => (await (await fetch(`${url}${path}`)).json()) as T

/** The agent of this machine with a nvidia-smi that misbehaves; gives what the hub says of a collector of it. */
function agentWith(name: string, environment: Record<string, string>, more: readonly string[] = []) {
  const data = join(folder, name)
  const path = [join(ROOT, 'cli/demo'), process.env['PATH']].join(delimiter)
  const agent = plumbline(['agent', '--hub', url, '--data', data, '--interval-ms', '200', ...more], {
    PATH: path,
    FAKE_SMI_GPUS: '2',
    ...environment,
  })
  agents.push(agent)
  return agent
}
const collector = async (name: string) =>
  (await get<NodeInfo[]>('/api/nodes')).flatMap(node => node.collectors).find(one => one.name === name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-bad-'))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  hub = await startHubProcess(port, join(folder, 'hub'), ['--no-page'])
})
afterAll(async () => {
  for (const agent of agents) await agent.kill('SIGKILL')
  await hub.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

describe('a nvidia-smi', () => {
  it.each([
    ['prints an error', { FAKE_SMI_MODE: 'error' }, /couldn't communicate with the NVIDIA driver/],
    ['fails after a while', { FAKE_SMI_MODE: 'error', FAKE_SMI_AFTER: '3' }, /couldn't communicate with the NVIDIA/],
    ['ends by itself', { FAKE_SMI_MODE: 'vanish', FAKE_SMI_AFTER: '3' }, /ended|nothing/],
    ['hangs', { FAKE_SMI_MODE: 'hang', FAKE_SMI_AFTER: '3' }, /silent|nothing|hang/],
  ])('that %s is said on the page’s door, and the rest goes on', async (name, environment, message) => {
    const startedAt = Date.now() / 1000
    const agent = agentWith(name.replaceAll(' ', '-'), environment)
    const said = await eventually(
      'the word of the collector',
      async () => {
        const smi = await collector('nvidia-smi')
        return smi?.state === 'failed' && smi.lastSeenAt > startedAt && message.test(smi.message ?? '') && smi
      },
      30_000,
    )
    expect(said.fix).not.toBeNull()
    await eventually('the others', async () => (await collector('proc'))?.state === 'ok')
    agent.child.kill('SIGTERM')
    expect((await agent.ended).code).toBe(0)
  })

  it('that is taken away while the agent runs is said to be gone, and is found when it is back', async () => {
    const tools = join(folder, 'tools')
    mkdirSync(tools)
    const link = join(tools, 'nvidia-smi')
    symlinkSync(join(ROOT, 'cli/demo/nvidia-smi'), link)
    const agent = agentWith('taken', {
      PATH: [tools, process.env['PATH']].join(delimiter),
      FAKE_SMI_MODE: 'vanish',
      FAKE_SMI_AFTER: '5',
    })
    await eventually('samples', async () => (await collector('nvidia-smi'))?.state === 'ok')
    rmSync(link)
    await eventually('that it is gone', async () => (await collector('nvidia-smi'))?.state !== 'ok', 30_000)
    symlinkSync(join(ROOT, 'cli/demo/nvidia-smi'), link)
    await eventually('that it is back', async () => (await collector('nvidia-smi'))?.state === 'ok', 60_000)
    agent.child.kill('SIGTERM')
    await agent.ended
  })
})

describe('a log full of garbage', () => {
  it('costs no line that is good, and its bad lines are counted', async () => {
    const log = join(folder, 'train.log')
    const noise = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 37 + 11) % 256).filter(b => b !== 10))
    const hostile = [
      Buffer.from('\u001b[31miter 2: loss NaN\u001b[0m time\n'),
      Buffer.from('{"kind":"step","rank":"__proto__","step":{}}\n'),
      Buffer.from(`${'x'.repeat(300_000)}\n`),
      Buffer.concat([noise, Buffer.from('\n')]),
    ]
    writeFileSync(log, '')
    const agent = agentWith('garbage', {}, ['--logs', log, '--run', 'garbled', '--from-start'])
    for (let step = 0; step < 40; step += 1) {
      appendFileSync(log, hostile[step % hostile.length] ?? '')
      appendFileSync(log, `iter ${step}: loss 2.5000, time 12.00ms, mfu 1.00%\n`)
    }
    await eventually('the last step', async () =>
      (await get<RunSummary[]>('/api/runs')).some(run => run.run === 'garbled' && run.step === 39),
    )
    const steps = (await storedSteps(url, 'garbled')).map(row => Number(row.split(',')[0]))
    expect(steps.sort((one, other) => one - other)).toEqual(Array.from({ length: 40 }, (_, step) => step))
    const reading = await eventually('the count', async () => {
      const own = await collector('training-log')
      return own !== undefined && (own.linesUnread ?? 0) >= 30 && own
    })
    expect(reading.state).toBe('ok')
    agent.child.kill('SIGTERM')
    expect((await agent.ended).code).toBe(0)
  })
})
