import { describe, expect, it } from 'vitest'
import { crash } from '../../collectors/logs/crash'
import { nanogpt } from '../../collectors/logs/nanogpt'
import { formats } from '../../collectors/logs/index'
import { createLogReader, LogMemory } from '../../collectors/logs/read'
import type { WireRecord } from '../../wire/records'

const read = (text: string, at?: number): WireRecord[] => {
  const reader = createLogReader()
  return [...reader.push(Buffer.from(text), at), ...reader.end(at)]
}

describe('the log reader', () => {
  it('counts lines read and not read, and gives the time of reading where a line has none', () => {
    const reader = createLogReader()
    const records = reader.push(Buffer.from('iter 1: loss 2.5, time 10.00ms, mfu 1.00%\nhello\n\n'), 1000)
    expect(records).toEqual([
      { kind: 'step', time: 1000, source: 'nanogpt', step: 1, stepSeconds: 0.01, mfu: 0.01, loss: 2.5 },
    ])
    expect(reader.counts).toEqual({ linesRead: 1, linesUnread: 1 })
  })

  it('reads several frameworks and a crash in one log', () => {
    const kinds = read(
      [
        'iter 1: loss 2.5, time 10.00ms, mfu 1.00%',
        "{'loss': 1.5, 'learning_rate': 1e-05, 'epoch': 0.1}",
        'Traceback (most recent call last):',
        '  File "train.py", line 1, in <module>',
        'iter 2: loss 2.4, time 10.00ms, mfu 1.00%',
        'ValueError: bad',
      ].join('\n'),
    ).map(record => ('source' in record ? record.source : record.kind === 'event' ? record.message : record.kind))
    expect(kinds).toEqual(['nanogpt', 'hf-trainer', 'nanogpt', 'ValueError: bad'])
  })

  it('takes only the formats that it was given', () => {
    const reader = createLogReader({ formats: [crash] })
    expect(reader.push(Buffer.from('iter 1: loss 2.5, time 10.00ms, mfu 1.00%\n'))).toEqual([])
    expect(reader.counts.linesUnread).toBe(1)
  })

  it('keeps tracebacks of ranks apart that print at once', () => {
    const lines = [0, 1].map(rank => [
      `[rank${rank}]: Traceback (most recent call last):`,
      `[rank${rank}]:   File "a.py", line 1, in f`,
      `[rank${rank}]: ValueError: of rank ${rank}`,
    ])
    const mixed = [0, 1, 2].flatMap(index => lines.map(own => own[index] ?? ''))
    expect(read(mixed.join('\n'))).toEqual([
      { kind: 'event', type: 'traceback', rank: 0, message: 'ValueError: of rank 0' },
      { kind: 'event', type: 'traceback', rank: 1, message: 'ValueError: of rank 1' },
    ])
  })

  it('gives held-back timers when asked, once', () => {
    const reader = createLogReader()
    const iteration = ' iteration        1/      10 | elapsed time per iteration (ms): 100.0 | lm loss: 1.0E+00 |\n'
    const timers =
      '(min, max) time across ranks (ms):\n    optimizer ......................................: (1.00, 2.00)\n'
    expect(reader.push(Buffer.from(iteration + timers), 7)).toHaveLength(1)
    const phases = { optimizer: { minSeconds: 0.001, maxSeconds: 0.002 } }
    expect(reader.flush(9)).toEqual([{ kind: 'step', time: 7, source: 'megatron', step: 1, phases }])
    expect(reader.flush(9)).toEqual([])
  })

  it('begins afresh where a saved state is none', () => {
    for (const state of [null, 7, 'x', [], { last: 3, states: [] }, { states: { nanogpt: null } }]) {
      const reader = createLogReader({ state })
      expect(reader.push(Buffer.from('iter 1: loss 2.5, time 10.00ms, mfu 1.00%\n'))).toHaveLength(1)
    }
  })

  it('gives a state that later reading does not change', () => {
    const reader = createLogReader({ formats: [nanogpt] })
    reader.push(Buffer.from('tokens per iteration will be: 100\n'))
    const state = reader.state()
    const before = JSON.stringify(state)
    reader.push(Buffer.from('tokens per iteration will be: 200\n'))
    expect(JSON.stringify(state)).toBe(before)
  })

  it('lets a line that is too long for any log pass by', () => {
    const reader = createLogReader()
    const records = reader.push(Buffer.from(`${'x'.repeat(2_000_000)}\niter 1: loss 1, time 1ms, mfu 1%\n`))
    expect(records).toHaveLength(1)
    expect(reader.counts).toEqual({ linesRead: 1, linesUnread: 1 })
  })

  it('reads of two streams of one job what neither tells alone', () => {
    const memory = new LogMemory(formats)
    const [stdout, stderr] = [createLogReader({ memory }), createLogReader({ memory })]
    const bar = (done: number) =>
      `${String(done * 10).padStart(3)}%|███▌      | ${done}/10 [00:0${done}<00:05,  1.00s/it]\r`
    const losses = [1, 2, 3].flatMap(step => {
      stderr.push(Buffer.from(bar(step)), 100 + step)
      const dict = `{'loss': '${4 - step}', 'grad_norm': '1.0', 'learning_rate': '1e-05', 'epoch': '0.${step}'}\n`
      return stdout.push(Buffer.from(dict), 100 + step)
    })
    expect(losses).toMatchObject([1, 2, 3].map(step => ({ kind: 'step', step, loss: 4 - step })))
  })
})
