/** Ways in which frameworks print what their fixtures hold otherwise: by era, by launcher, by who prints at the same time. */
import { describe, expect, it } from 'vitest'
import { createLogReader } from '../../collectors/logs/read'
import type { WireRecord } from '../../wire/records'

function read(...lines: string[]): WireRecord[] {
  const reader = createLogReader()
  return [...reader.push(Buffer.from(lines.map(line => `${line}\n`).join(''))), ...reader.end()]
}

describe('lines that came onto one', () => {
  it.each([
    [
      'ranks of torchrun',
      '[rank0]:[titan] 2026-02-24 19:46:17,508 - root - INFO - step:  4  loss:  7.6  memory: 66.91GiB(37.51%)  tps: 10,050  tflops: 314.71  mfu: 13.99%[rank1]:[titan] 2026-02-24 19:46:17,509 - root - INFO - step:  4  loss:  7.5  memory: 66.91GiB(37.51%)  tps: 10,051  tflops: 314.72  mfu: 14.01%',
      [
        { tokensPerSecondPerGpu: 10050, mfu: 0.1399 },
        { rank: 1, tokensPerSecondPerGpu: 10051, mfu: 0.1401 },
      ],
    ],
    [
      'iterations of Megatron',
      ' [2026-04-06 02:55:45] iteration        2/     100 | elapsed time per iteration (ms): 5630.1 | global batch size:   128 | lm loss: 2.02E+00 | grad norm: 6.895 |[default7]: [2026-04-06 02:55:50] iteration        3/     100 | elapsed time per iteration (ms): 5410.6 | global batch size:   128 | lm loss: 2.01E+00 | grad norm: 6.603 |',
      [
        { step: 2, stepSeconds: 5.6301, loss: 2.02 },
        { step: 3, stepSeconds: 5.4106, loss: 2.01 },
      ],
    ],
    [
      'iterations of nanoGPT',
      'iter 10: loss 2.31, time 100.00ms, mfu 10.00%iter 11: loss 2.30, time 101.00ms, mfu 11.00%',
      [
        { step: 10, mfu: 0.1 },
        { step: 11, mfu: 0.11 },
      ],
    ],
    [
      'steps of MaxText',
      'completed step: 5, seconds: 1.0, TFLOP/s/device: 10.0, loss: 10.374completed step: 6, seconds: 2.0, TFLOP/s/device: 5.0, loss: 10.3',
      [
        { step: 5, loss: 10.374 },
        { step: 6, stepSeconds: 2, loss: 10.3 },
      ],
    ],
    [
      'steps of llm.c',
      'step 1/19560 | loss 11.0 (+nanz)| norm 15.0 (+nanz)| lr 8.57e-07 | 3056.36 ms | -100.0% bf16 MFU | 171541 tok/s\u001b[0mstep    2/19560 | loss 10.9 (+nanz)| norm 15.3 (+nanz)| lr 1.71e-06 | 2500.0 ms | 50.0% bf16 MFU | 200000 tok/s',
      [
        { step: 1, loss: 11, stepSeconds: 3.05636 },
        { step: 2, loss: 10.9, mfu: 0.5 },
      ],
    ],
    [
      'objects',
      '{"step": 1, "loss": 2.3}{"step": 2, "loss": 2.2}',
      [
        { step: 1, loss: 2.3 },
        { step: 2, loss: 2.2 },
      ],
    ],
    [
      'what is printed behind a bar',
      '  3%|███       | 12/345 [00:07<06:50,  1.23s/it]iter 12: loss 2.29, time 102.00ms, mfu 10.00%',
      [{ source: 'nanogpt', step: 12, loss: 2.29 }],
    ],
    [
      'two drawings of a bar',
      ' 10%|█         | 10/100 [00:07<06:50,  1.23s/it, loss=2.31] 11%|█         | 11/100 [00:08<06:50,  1.21s/it, loss=2.3]',
      [
        { step: 10, loss: 2.31 },
        { step: 11, stepSeconds: 1.21, loss: 2.3 },
      ],
    ],
  ])('are read apart: %s', (_what, line, expected) => {
    const steps = read(line).filter(({ kind }) => kind === 'step')
    expect(steps).toHaveLength(expected.length)
    expect(steps).toMatchObject(expected)
  })

  it.each([
    ' iteration      100/  500000 | elapsed time per iteration (ms): 811.3 | learning rate: 1.5E-06 | lm loss: 8.6E+00 | iteration time: 3 |',
    'batch_size B=64 * seq_len T=1024 * num_processes=8 and total_batch_size=524288',
    '{"step": 1, "parts": [{"step": 2, "loss": 3}], "loss": 2.3}',
  ])('are not made of one line: %s', line => {
    expect(read(line).filter(({ kind }) => kind === 'step').length).toBeLessThanOrEqual(1)
  })
})

describe('figures of a step', () => {
  it.each<[string, string, Record<string, unknown>]>([
    [
      'NeMo Automodel',
      '2026-08-10 15:48:59 | INFO | root | step 13 | epoch 0 | loss 0.6407 | grad_norm 1.1754 | lr 1.00e-05 | mem 31.55 GiB | tps 6574.51(821.81/gpu) | num_label_tokens 26779',
      { step: 13, loss: 0.6407, tokensPerSecond: 6574.51, tokensPerSecondPerGpu: 821.81 },
    ],
    [
      'TensorFlow slim',
      'INFO:tensorflow:global step 1: loss = 79.3501 (57.126 sec/step)',
      { step: 1, stepSeconds: 57.126 },
    ],
    [
      'a long head and wide numbers',
      'train | data_epochs  0/10 | inner iter:   7/  8 | global iter:     13/  5000| tot_loss: 2.3541 | lr: 2.5000e-07',
      { step: 13, totalSteps: 5000, loss: 2.3541 },
    ],
    [
      'fairseq before updates were counted',
      '| epoch 002  2000 / 8223 loss=1.27 (1.50), wps=962, wpb=908, bsz=32, lr=0.001, clip=100%, gnorm=2.1427',
      { step: 10223, loss: 1.27, tokensPerSecond: 962, gradientNorm: 2.1427 },
    ],
    [
      'TRL’s PPO',
      "{'eps': 1, 'objective/kl': 10.5, 'loss/policy_avg': 0.0009, 'loss/value_avg': 0.15, 'lr': 2.06e-06, 'episode': 816, 'epoch': 0.91}",
      { source: 'hf-trainer', loss: 0.0009, learningRate: 2.06e-6 },
    ],
    [
      'LitGPT in seconds',
      'Epoch 0 | iter 62 step 62 | loss train: 21.625, val_loss valid: 13.879 | iter time: 35.675 s (step)',
      { step: 62, stepSeconds: 35.675, loss: 21.625 },
    ],
    [
      'veRL with perf under actor',
      '(TaskRunner pid=9) step:34 - actor/loss:0.0424 - perf/mfu/actor:0.0 - actor/perf/max_memory_reserved_gb:2.0 - actor/lr:2e-06 - timing_s/step:100.5',
      { step: 34, mfu: undefined, memoryReservedBytes: 2 * 1024 ** 3, stepSeconds: 100.5 },
    ],
  ])('%s', (_what, line, expected) => {
    const [step, ...others] = read(line)
    expect(others).toEqual([])
    expect(step).toMatchObject(Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined)))
    for (const [name, value] of Object.entries(expected)) if (value === undefined) expect(step).not.toHaveProperty(name)
  })
})
