import { describe, expect, it } from 'vitest'
import { hfTrainerState } from '../../collectors/forms/hf-trainer-state'
import { createLogReader } from '../../collectors/logs/read'
import type { WireRecord } from '../../wire/records'

function read(...lines: string[]): WireRecord[] {
  const reader = createLogReader()
  return [...reader.push(Buffer.from(lines.join('\n'))), ...reader.end()]
}

describe('libraries on Hugging Face’s Trainer', () => {
  it('ms-swift says its step and total, and what was reserved', () => {
    expect(read("{'loss': 0.5, 'memory(GiB)': 2.0, 'epoch': 0.1, 'global_step/max_steps': '7/70'}")).toMatchObject([
      { step: 7, totalSteps: 70, memoryReservedBytes: 2 ** 31 },
    ])
  })

  it('LLaMA-Factory gives a time of a step only where enough of whole seconds passed, and none over an evaluation', () => {
    const line = (step: number, elapsed: string, loss = '"loss": 1.5') =>
      `{"current_steps": ${step}, "total_steps": 90, ${loss}, "epoch": 0.1, "elapsed_time": "${elapsed}"}`
    const records = read(
      line(10, '0:00:10'),
      line(20, '0:00:15'),
      line(30, '0:00:50'),
      line(30, '0:05:00', '"eval_loss": 1.4'),
      line(40, '0:05:40'),
      line(50, '1:06:20'),
    )
    const times = records.filter(record => record.kind === 'step').map(record => record.stepSeconds)
    expect(times).toEqual([undefined, undefined, 2, undefined, 364])
  })

  it('the Trainer’s runtime and tokens so far give those of a step, and none over an evaluation', () => {
    const dict = (epoch: string, tokens: number, runtime: string) =>
      `{'loss': '2.5', 'epoch': '${epoch}', 'num_input_tokens_seen': ${tokens}, 'train_runtime': '${runtime}', 'train_tokens_per_second': '9'}`
    const records = read(
      "{'step': 10, " + dict('0.1', 1000, '5.349').slice(1),
      "{'step': 20, " + dict('0.2', 2000, '7.349').slice(1),
      "{'eval_loss': '2.4', 'epoch': '0.2'}",
      "{'step': 30, " + dict('0.3', 3000, '19.35').slice(1),
      // Four digits of 10,000 seconds: what passed since is rounding.
      "{'step': 40, " + dict('0.4', 4000, '1.002e+04').slice(1),
      "{'step': 50, " + dict('0.5', 5000, '1.003e+04').slice(1),
    ).filter(record => record.kind === 'step')
    expect(records.map(({ tokens }) => tokens)).toEqual([undefined, 100, 100, 100, 100])
    expect(records.map(({ stepSeconds }) => stepSeconds)).toEqual([undefined, 0.2, undefined, 1000.065, undefined])
    expect(records.map(({ tokensPerSecond }) => tokensPerSecond)).toEqual(records.map(() => undefined))
  })

  it('adapters train few of all parameters', () => {
    const records = read('trainable params: 1,000 || all params: 10,000 || trainable%: 10.0')
    expect(records).toMatchObject([{ kind: 'config', model: { parameters: 10_000 } }])
  })

  it('a model’s config that is cut off by another line gives nothing', () => {
    const head = '[INFO|configuration_utils.py:1] 2026-01-01 00:00:00,000 >> Model config XConfig {'
    expect(read(head, '  "hidden_size": 64,', 'Traceback of something', '  "num_hidden_layers": 2')).toEqual([])
    expect(read(head, '  "hidden_size": 64,', '  "num_hidden_layers": 2', '}')).toMatchObject([
      { model: { hiddenSize: 64, layers: 2 } },
    ])
  })

  it('a dict of another program is not taken', () => {
    expect(read("{'a': 1, 'b': 2}", '{"loss": 0.5, "tokens": 3}', "{'loss': 0.5}")).toEqual([])
  })
})

describe('trainer_state.json', () => {
  it('is told by its beginning, and is nothing when cut off', () => {
    const text = '{"best_metric": null, "epoch": 1.0, "global_step": 1, "log_history": [{"loss": 1.5, "step": 1}]}'
    const head = (part: string) => ({ bytes: Buffer.from(part), text: part })
    expect(hfTrainerState.claims(head(text.slice(0, 90)))).toBe(true)
    expect(hfTrainerState.claims(head('{"log_history": 1}'))).toBe(false)
    expect(hfTrainerState.parse(text)?.records).toMatchObject([{ kind: 'config' }, { step: 1, loss: 1.5 }])
    expect(hfTrainerState.parse(text.slice(0, 90))).toBeUndefined()
  })
})
