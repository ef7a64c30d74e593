import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createLogReader } from '../../collectors/logs/read'
import type { RecordOf, WireRecord } from '../../wire/records'
import { ROOT } from '../plumbline'
import { POD_CASES } from './pod-labels'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-hook-'))
const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) console.warn('SKIPPED: no python3 for the tests of the hook')

let runs = 0
/** Runs Python lines with the hook at hand and torch out of reach; gives what was printed and where the hook wrote. */
function python(lines: readonly string[], environment: Record<string, string> = {}) {
  runs += 1
  const hookFolder = join(folder, String(runs))
  const script = join(folder, `${runs}.py`)
  writeFileSync(script, ['import sys', "sys.modules['torch'] = None", 'import plumbline_hook', ...lines].join('\n'))
  const { status, stdout, stderr } = spawnSync('python3', [script], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PYTHONPATH: join(ROOT, 'hook'),
      PYTHONDONTWRITEBYTECODE: '1',
      PLUMBLINE_HOOK_DIR: hookFolder,
      PLUMBLINE_RUN: 'a-run',
      RANK: '3',
      WORLD_SIZE: '4',
      ...environment,
    },
  })
  return { status, stdout, stderr, file: join(hookFolder, 'rank-3.jsonl') }
}

function recordsOf(file: string): { records: WireRecord[]; unread: number } {
  const reader = createLogReader()
  const records = [...reader.push(readFileSync(file)), ...reader.end()]
  return { records, unread: reader.counts.linesUnread }
}
const stepsOf = (records: readonly WireRecord[]) =>
  records.filter((record): record is RecordOf<'step'> => record.kind === 'step')

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!hasPython)('in a pod of Kubernetes', () => {
  it.each(POD_CASES)('the run %s is named by the labels of the pod', (run, ...lines) => {
    const labels = join(folder, 'labels')
    writeFileSync(labels, lines.join('\n'))
    const environment = { PLUMBLINE_POD_LABELS: labels, PLUMBLINE_RUN: '', TORCHELASTIC_RUN_ID: 'elastic' }
    const { status, file } = python(['plumbline_hook.attach().close()'], environment)
    expect(status).toBe(0)
    expect(recordsOf(file).records.map(record => ('run' in record ? record.run : undefined))).toContain(run)
  })
})

describe.skipIf(!hasPython)('the hook without torch', () => {
  it('writes steps and phases of one’s own, which the log reader understands to the last line', () => {
    const { status, file } = python([
      'import time',
      'hook = plumbline_hook.attach(tokens_per_step=512, total_steps=3)',
      'for step in range(3):',
      '    with hook.phase("forward"): time.sleep(0.02)',
      '    hook.end_step()',
      '    hook.log(loss=2.5 - step, nonsense=1)',
    ])
    expect(status).toBe(0)
    const { records, unread } = recordsOf(file)
    expect(unread).toBe(0)
    const steps = stepsOf(records)
    expect(steps.map(({ step, loss, rank, run, tokens }) => ({ step, loss, rank, run, tokens }))).toEqual(
      [0, 1, 2].map(step => ({ step, loss: 2.5 - step, rank: 3, run: 'a-run', tokens: 512 })),
    )
    for (const { stepSeconds = 0, phases } of steps) {
      expect(phases?.['forward']?.seconds).toBeGreaterThanOrEqual(0.02)
      const sum = Object.values(phases ?? {}).reduce((total, { seconds = 0 }) => total + seconds, 0)
      expect(sum).toBeCloseTo(stepSeconds, 5)
    }
    expect(records.filter(({ kind }) => kind === 'rank').map(record => (record as { state?: string }).state)).toEqual([
      'started',
      'ended',
    ])
  })

  it('ends at the end of its context, and closing twice is no harm', () => {
    const { status, stderr, file } = python([
      'with plumbline_hook.attach() as hook: hook.end_step()',
      'hook.close()',
      'hook.end_step()',
    ])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stepsOf(recordsOf(file).records)).toHaveLength(1)
  })

  it('tells of the exception that ends the job, which ends as it would have', () => {
    const { status, stderr, file } = python([
      'hook = plumbline_hook.attach()',
      'hook.end_step()',
      "raise RuntimeError('CUDA out of memory. Tried to allocate 2.00 GiB')",
    ])
    expect(status).toBe(1)
    expect(stderr).toContain('RuntimeError: CUDA out of memory')
    const { records } = recordsOf(file)
    expect(records.find(({ kind }) => kind === 'event')).toMatchObject({ type: 'oom', rank: 3 })
    expect(stepsOf(records)).toHaveLength(1)
  })

  it('keeps NaN and infinity out of its lines', () => {
    const { file } = python([
      'hook = plumbline_hook.attach()',
      'hook.end_step()',
      'hook.log(loss=float("nan"), gradientNorm=float("inf"), learningRate=0.0)',
    ])
    expect(recordsOf(file).unread).toBe(0)
    expect(stepsOf(recordsOf(file).records)[0]).toMatchObject({ learningRate: 0 })
    expect(stepsOf(recordsOf(file).records)[0]).not.toHaveProperty('loss')
  })

  it.skipIf(!existsSync('/proc/self/schedstat'))(
    'tells how long it waited for its processor, and no longer than it was off it',
    () => {
      const { status, file } = python([
        'import os, subprocess, time',
        'os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})',
        'def work():',
        '    until = time.thread_time() + 0.02',
        '    while time.thread_time() < until: pass',
        'hook = plumbline_hook.attach()',
        'hook.end_step()',
        'for step in range(5): time.sleep(0.02); hook.end_step()',
        "rival = subprocess.Popen([sys.executable, '-c', 'while True: pass'])",
        'time.sleep(0.2)',
        'hook.end_step()',
        'for step in range(10): work(); hook.end_step()',
        'rival.kill()',
      ])
      expect(status).toBe(0)
      const steps = stepsOf(recordsOf(file).records)
      expect(steps).toHaveLength(17)
      const sums = (some: typeof steps) => {
        const sum = (of: (step: RecordOf<'step'>) => number | undefined) =>
          some.reduce((all, step) => all + (of(step) ?? NaN), 0)
        return {
          waited: sum(step => step.runDelaySeconds),
          off: sum(step => step.stepSeconds) - sum(step => step.cpuSeconds),
        }
      }
      // The first one begins while the hook is attached.
      const [asleep, beside] = [sums(steps.slice(1, 6)), sums(steps.slice(-10))]
      expect(asleep.waited).toBeLessThanOrEqual(asleep.off)
      expect(beside.waited).toBeLessThan(1.05 * beside.off)
      expect(beside.waited).toBeGreaterThan(0.5 * beside.off)
      expect(beside.waited).toBeGreaterThan(0.05)
    },
  )

  it('is silent in a forked child, and does not break a job that it cannot write for', () => {
    const forked = python([
      'import os',
      'hook = plumbline_hook.attach()',
      'child = os.fork()',
      'hook.end_step()',
      'if child: os.waitpid(child, 0)',
    ])
    expect(stepsOf(recordsOf(forked.file).records)).toHaveLength(1)
    const lost = python(['hook = plumbline_hook.attach()', 'hook.end_step()', 'print("trained")'], {
      PLUMBLINE_HOOK_DIR: '/dev/null/nowhere',
    })
    expect({ status: lost.status, stdout: lost.stdout }).toEqual({ status: 0, stdout: 'trained\n' })
    expect(lost.stderr.match(/plumbline: the hook is off/g)).toHaveLength(1)
    expect(existsSync(lost.file)).toBe(false)
  })
})
