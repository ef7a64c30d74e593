import { describe, expect, it } from 'vitest'
import { createLogReader } from '../../collectors/logs/read'
import type { WireRecord } from '../../wire/records'

function read(text: string): WireRecord[] {
  const reader = createLogReader()
  return [...reader.push(Buffer.from(text)), ...reader.end()]
}
const iteration = (head: string, ...pairs: string[]) => `${head} | ${pairs.join(' | ')} |\n`

describe('Megatron lines of relatives', () => {
  it('in seconds, with samples per second and TFLOPs', () => {
    const text = iteration(
      '[default3]: iteration       10/  292968',
      'elapsed time per iteration (s): 35.5',
      'global batch size:  1024',
      'lm loss: 1.25E+01',
      'samples per second: 28.551',
      'TFLOPs: 199.03',
    )
    expect(read(text)).toMatchObject([
      { step: 10, totalSteps: 292_968, stepSeconds: 35.5, samples: 1024, loss: 12.5, samplesPerSecond: 28.551 },
    ])
    expect(read(text)[0]).toMatchObject({ flopsPerSecondPerGpu: 199.03e12 })
  })

  it('with a mean beside each figure, of which the first counts', () => {
    const text = iteration(
      '[20261121 12:10:29][rank-31/32][INFO ] [trainer.py:2488] :  iteration    12125/   36000',
      'elapsed time per iteration (ms): 2701.3/2712.7',
      'hip mem usage/free/total/usage_ratio: 227.35GB/28.63GB/255.98GB/88.81%',
      'throughput per GPU (TFLOP/s/GPU): 210.5/217.3',
      'tokens per GPU (tokens/s/GPU): 12130.4/12525.5',
    )
    expect(read(text)).toMatchObject([
      { step: 12_125, stepSeconds: 2.7013, flopsPerSecondPerGpu: 210.5e12, tokensPerSecondPerGpu: 12_130.4 },
    ])
  })

  it('without an end, and with a loss that is no number', () => {
    const text = iteration('iteration 5/infinity', 'elapsed time per iteration (ms): 10.0', 'lm loss: nan')
    expect(read(text)).toEqual([
      { kind: 'step', source: 'megatron', step: 5, stepSeconds: 0.01 },
      { kind: 'event', type: 'nan-loss', message: 'the loss is not a number at iteration 5' },
    ])
  })

  it('but not a sentence that speaks of iterations', () => {
    expect(read('saving at iteration 10/ 20 | done\n')).toEqual([])
  })
})

describe('progress bars', () => {
  it('of anything but training give no steps', () => {
    const bars = [
      'Loading checkpoint shards: 100%|██████| 3/3 [00:01<00:00,  2.5it/s]',
      ' 50%|█████     | 5/10 [00:05<00:05,  1.0it/s]',
    ]
    expect(read(bars.join('\r'))).toEqual([])
  })
})

describe('a dict that is printed', () => {
  it.each([
    "{'loss': 1.0}",
    "{'loss': 1.0, 'epoch': {'deep': 1}}",
    "{'loss': 1.0, 'epoch': 1",
    "{'name': 'x', 'epoch': 1}",
  ])('%s is none of the Trainer’s', text => {
    expect(read(text)).toEqual([])
  })
})

describe('what the hook writes', () => {
  it.each([
    ['an unknown kind', '{"kind":"nonsense"}'],
    ['a kind that is not its own', '{"kind":"gpu","index":0}'],
    ['a field that is none', '{"kind":"step","stepp":1}'],
    ['a field of another type', '{"kind":"step","step":"1"}'],
    ['half a line', '{"kind":"step","step":'],
  ])('%s is not read', (_what, text) => {
    const reader = createLogReader()
    expect([...reader.push(Buffer.from(`${text}\n`))]).toEqual([])
    expect(reader.counts).toEqual({ linesRead: 0, linesUnread: 1 })
  })
})
