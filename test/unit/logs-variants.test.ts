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
      'Megatron’s timers behind its figures',
      ' iteration 3/ 10 | consumed samples: 12 | elapsed time per iteration (ms): 2000.0 | lm loss: 3.1E+01 | grad norm: 4.5 | time (ms) | forward-compute: 53.5 | optimizer: 36.8',
      [
        { step: 3, stepSeconds: 2, gradientNorm: 4.5 },
        { step: 3, phases: { 'forward-compute': { seconds: 0.0535 }, optimizer: { seconds: 0.0368 } } },
      ],
    ],
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

describe('lines of any script', () => {
  it.each([
    [
      'a number first',
      '490 | loss 5.75 | lr 4.9e-05 | 8060.5ms | mfu 0.2%',
      { step: 490, loss: 5.75, stepSeconds: 8.0605 },
    ],
    ['bars between the names', 'epoch: 0|step: 6|ppo_ep: 1|act_loss: -0.04|cri_loss: 0.02', { step: 6, loss: -0.04 }],
    [
      'a table',
      '- epoch    2 | iter  100/272 | loss   17.64 | took  0.15 s | lrate 4.00e-03',
      { step: 100, loss: 17.64 },
    ],
    [
      'batches alone',
      '2026-06-20 14:17:10 I [train.py:103] Batch 90 Loss: 7.25, lr: 0.00001',
      { step: 90, loss: 7.25 },
    ],
    [
      'a head of brackets',
      '[0d10h18s][TOOL][INFO]: Iter: 1000 Time(1000 iters): 93.9s Loss: 0.12',
      { step: 1000, loss: 0.12 },
    ],
    [
      'brackets of its own',
      '[Training][Iteration 30][Epoch 1, Batch 100/129] lr: 0.01, loss=9.6',
      { step: 30, loss: 9.6 },
    ],
    [
      'a loss in the name of a bar',
      'Training Epoch: 1/3, step 9/50 completed (loss: 1.5): 20%|██  | 10/50 [01:40<06:40, 10.0s/it]',
      { step: 10, loss: 1.5, stepSeconds: 10 },
    ],
    [
      'a step beside the bar’s',
      'run: 40%|████  | 14/35 [00:16<00:24, 1.5s/it, loss=11.8, num_updates=574]',
      { step: 574, loss: 11.8 },
    ],
  ])('%s', (_, line, expected) => {
    expect(read(line)).toEqual([expect.objectContaining(expected)])
  })

  it('counts steps among all where each epoch begins anew', () => {
    const step = (epoch: number, of: string) => `epoch ${epoch} | iter ${of} | loss 2.5`
    expect(read(step(1, '90/100'), step(2, '10/100'), step(2, '20/100'))).toMatchObject([
      { step: 90 },
      { step: 110 },
      { step: 120 },
    ])
    const again = (epoch: number) => `Epoch: [${epoch}][  10/500]\tTime  0.3 ( 0.5)\tLoss 6.9e+00 (7.0e+00)`
    expect(read(again(0), again(1))).toMatchObject([{ step: 10, loss: 6.9 }, { step: 510 }])
  })

  it('tells a step once that is drawn again behind another line', () => {
    const bar = 'Epoch 0:  10%|█   | 10/100 [00:05<00:45, 2.00it/s, v_num=0, train_loss=2.30]'
    expect(read(bar, 'a line of somebody else', bar)).toHaveLength(1)
  })
})

describe('timers of Megatron that were wrapped', () => {
  it('gives each once', () => {
    const records = read(
      ' iteration 3/ 10 | consumed samples: 12 | elapsed time per iteration (ms): 2000.0 | lm loss: 3.1E+01 |',
      'time (ms) | forward-compute: 53.5 | backward-compute:',
      '134.7 | optimizer: 36.8 |',
      'batch-generator: 2.5',
    )
    expect(records.slice(1)).toMatchObject([
      { step: 3, phases: { 'forward-compute': { seconds: 0.0535 } } },
      { step: 3, phases: { 'backward-compute': { seconds: 0.1347 }, optimizer: { seconds: 0.0368 } } },
      { step: 3, phases: { 'batch-generator': { seconds: 0.0025 } } },
    ])
  })
})

describe('steps of the Trainer without a bar', () => {
  const block = (examples: number, epochs: number, total: number) => [
    '***** Running training *****',
    `  Num examples = ${examples}`,
    `  Num Epochs = ${epochs}`,
    '  Total train batch size (w. parallel, distributed & accumulation) = 16',
    `  Total optimization steps = ${total}`,
    "{'loss': 1.5, 'grad_norm': 0.5, 'learning_rate': 1e-05, 'epoch': 0.5}",
  ]
  it.each([
    ['are those of the epochs that were asked for', block(900, 10, 560), 28],
    ['are not said where the steps were asked for', block(16_000, 1, 100), undefined],
    ['are not said where each example is generated from several times', block(1024, 1, 512), undefined],
  ])('%s', (_, lines, step) => {
    const last = read(...lines).at(-1)
    expect(last).toMatchObject({ kind: 'step', loss: 1.5 })
    expect(last?.kind === 'step' && last.step).toBe(step)
  })
})

describe('prefixes', () => {
  it.each([
    ['Ray with a comma', '(pretraining, pid=4112) iter 10: loss 2.31, time 100.00ms'],
    ['Torchelastic’s of several nodes', '[trainer0|0]:iter 10: loss 2.31, time 100.00ms'],
    ['a kernel’s log without time and host', 'kernel: NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus.'],
    ['ranks of mpirun', '[155] node-1:5330:5499 [3] NCCL INFO Ring 00 : 155[3d000] -> 157[b2000] via P2P/IPC'],
  ])('%s', (_, line) => {
    const reader = createLogReader()
    reader.push(Buffer.from(`${line}\n`))
    expect(reader.counts).toEqual({ linesRead: 1, linesUnread: 0 })
  })
})
