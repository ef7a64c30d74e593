import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createLogReader } from '../../collectors/logs/read'
import type { RecordOf, WireRecord } from '../../wire/records'
import { ROOT } from '../plumbline'
import { hasTorch, PYTHON } from './torch'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-hook-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let runs = 0
function python(args: readonly string[]) {
  runs += 1
  const hookFolder = join(folder, `run-${runs}`)
  const environment = { PYTHONPATH: join(ROOT, 'hook'), PLUMBLINE_HOOK_DIR: hookFolder, PLUMBLINE_RUN: 'a-run' }
  const { status, stdout, stderr } = spawnSync(PYTHON, args, {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  })
  const recordsOf = (rank: number): WireRecord[] => {
    const reader = createLogReader()
    const records = [...reader.push(readFileSync(join(hookFolder, `rank-${rank}.jsonl`))), ...reader.end()]
    expect(reader.counts.linesUnread).toBe(0)
    return records
  }
  return { status, stdout, stderr, recordsOf }
}
const stepsOf = (records: readonly WireRecord[]) =>
  records.filter((record): record is RecordOf<'step'> => record.kind === 'step')
const seconds = (step: RecordOf<'step'> | undefined, phase: string) => step?.phases?.[phase]?.seconds ?? 0

/** A model that takes 20 ms forward, three micro-batches a step, an evaluation of 40 ms between the steps. */
const ACCUMULATION = `
import time, torch, plumbline_hook
class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)
    def forward(self, x):
        time.sleep(0.02)
        return self.layer(x)
model = Slow()
optimizer = torch.optim.AdamW(model.parameters())
hook = plumbline_hook.attach(model, optimizer)
for step in range(4):
    for micro in range(3):
        model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    with torch.no_grad():
        model(torch.ones(2, 4)); model(torch.ones(2, 4))
`

/** Connections of others must stay as they are, whatever the script has set for sockets of its own. */
const SOCKETS = `
import os, socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
socket.setdefaulttimeout(5)
import plumbline_hook
flows = plumbline_hook._Flows()
print(os.get_blocking(client.fileno()), flows.take(0), os.get_blocking(client.fileno()))
address = plumbline_hook._address(plumbline_hook.LIBRARY.getpeername, client.fileno())
state = plumbline_hook._tcp_info(client.fileno(), flows.LAYOUT.size)[0]
print(address, state == flows.ESTABLISHED, os.get_blocking(client.fileno()))
`

describe.skipIf(!hasTorch)('the hook in torch', () => {
  it('reads connections without touching them', () => {
    const { status, stdout, stderr } = python(['-c', SOCKETS])
    expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: 'True [] True\n127.0.0.1 True True\n' })
  })

  it('adds up micro-batches, and counts an evaluation as no forward pass', () => {
    const script = join(folder, 'accumulation.py')
    writeFileSync(script, ACCUMULATION)
    const { status, stderr, recordsOf } = python([script])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const steps = stepsOf(recordsOf(0))
    expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3])
    for (const step of steps.slice(1)) {
      expect(seconds(step, 'forward')).toBeGreaterThanOrEqual(0.06)
      expect(seconds(step, 'data')).toBeGreaterThanOrEqual(0.04)
      // The phases are the step, nothing twice and nothing left out.
      const sum = Object.keys(step.phases ?? {}).reduce((total, name) => total + seconds(step, name), 0)
      expect(sum).toBeCloseTo(step.stepSeconds ?? NaN, 4)
    }
    expect(steps[3]?.memoryCategories).toMatchObject({ parameters: 80, gradients: 80 })
  })

  it('sees the buckets of DistributedDataParallel on every rank, and the configuration once', () => {
    const { status, recordsOf } = python([
      join(ROOT, 'examples/train.py'),
      ...['--launch', '2', '--steps', '6', '--sync', 'ddp'],
    ])
    expect(status).toBe(0)
    for (const rank of [0, 1]) {
      const steps = stepsOf(recordsOf(rank))
      expect(steps).toHaveLength(6)
      for (const step of steps) expect(seconds(step, 'communication')).toBeGreaterThan(0)
    }
    const configs = [0, 1].map(rank => recordsOf(rank).filter(({ kind }) => kind === 'config').length)
    expect(configs).toEqual([1, 0])
  })

  it('leaves the arithmetic of the job as it is', () => {
    const losses = ['--no-hook', '--sync'].map(flag => {
      const truth = join(folder, `truth${flag}`)
      const args = ['--launch', '2', '--steps', '5', '--sync', 'ddp', '--truth', truth]
      const { status } = python([
        join(ROOT, 'examples/train.py'),
        ...args,
        ...(flag === '--no-hook' ? ['--no-hook'] : []),
      ])
      expect(status).toBe(0)
      return (JSON.parse(readFileSync(join(truth, 'rank-0.json'), 'utf8')) as { steps: { loss: number }[] }).steps.map(
        ({ loss }) => loss,
      )
    })
    expect(losses[0]).toEqual(losses[1])
  })
})
