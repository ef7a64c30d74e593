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

  it('of GPT-NeoX, whose FLOPs carry their unit', () => {
    const text = iteration(
      ' samples/sec: 7.799',
      'iteration       34/   10000',
      'elapsed time per iteration (ms): 4103.1',
      'approx flops per GPU: 112.9TFLOPS',
      'lm_loss: 1.118665E+01',
    )
    expect(read(text)).toMatchObject([
      { source: 'gpt-neox', step: 34, samplesPerSecond: 7.799, flopsPerSecondPerGpu: 112.9e12, loss: 11.18665 },
    ])
  })

  it('wrapped anywhere, and held back until the rest has come', () => {
    const text = iteration(
      ' iteration      100/    1000',
      'consumed samples:         6400',
      'elapsed time per iteration (ms): 1210.5',
      'lm loss: 2.345678E+00',
      'grad norm: 1.234',
    ).trimEnd()
    const whole = read(`${text}\n`)
    expect(whole).toMatchObject([{ step: 100, stepSeconds: 1.2105, loss: 2.345678, gradientNorm: 1.234 }])
    // Right behind a bar that comes after the time, a line looks whole.
    for (let at = text.indexOf('consumed') + 8; at < text.length; at += 1)
      if (!text.slice(0, at).trimEnd().endsWith('|') || at < text.indexOf('elapsed'))
        expect(read(`${text.slice(0, at)}\n${text.slice(at)}\n`), `cut at ${at}`).toEqual(whole)
  })

  it('with samples per second that contradict the batch and the time beside them', () => {
    const text = iteration(
      ' iteration 5/ 10',
      'elapsed time per iteration (ms): 2000.0',
      'global batch size:    64',
      'samples per second: 0.032',
    )
    expect(read(text)[0]).not.toHaveProperty('samplesPerSecond')
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

describe('lines that look like steps and are none', () => {
  const bar = (description: string, counts: string, rest = '10.00s/it, loss=2.3') =>
    `${description}  10%|█         | ${counts} [00:10<01:30, ${rest}]\n`

  it.each([
    ['a bar of epochs', bar('Epochs:', '1/10') + bar('Epochs:', '2/10')],
    ['a bar of epochs with the number of the epoch', bar('Epoch 1/20:', '1/20') + bar('Epoch 2/20:', '2/20')],
    ['a bar whose unit is epochs', bar('Training:', '1/10', '10.00s/epoch, loss=2.3')],
    ['an evaluation of Keras', '313/313 ━━━━━━━━━━━━━━━━━━━━ 0s 1ms/step - accuracy: 0.97 - loss: 0.08\n'],
    ['samples of an old Keras', 'Epoch 1/2\n   32/60000 [......] - ETA: 5:00 - loss: 2.31\n'],
    ['a time of day that looks like a count', 'Epoch 1/2\n06/10 12:00:00 - INFO - loss: 2.31\n'],
    [
      'a server of inference',
      '[2025-06-01 12:00:00 TP0] Decode batch. #token: 1234, gen throughput (token/s): 567.89,\n',
    ],
  ])('%s', (_, text) => {
    expect(read(text).filter(({ kind }) => kind === 'step')).toEqual([])
  })

  it('an evaluation of Keras behind its training is no step of it', () => {
    const drawn = (counts: string, loss: number) => `${counts} ━━━━━━━━━━━━━━━━━━━━ 4s 2ms/step - loss: ${loss}\n`
    expect(read(`Epoch 1/1\n${drawn('1875/1875', 0.5)}${drawn('1563/1563', 0.25)}`)).toMatchObject([
      { step: 1875, loss: 0.5 },
    ])
  })

  it('scripts that count epochs from one have as many steps as they have', () => {
    const text = bar('Epoch 1:', '50/100') + bar('Epoch 1:', '100/100') + bar('Epoch 2:', '50/100')
    expect(read(text)).toMatchObject([{ step: 50 }, { step: 100 }, { step: 150 }])
  })
})
