import { describe, expect, it } from 'vitest'
import { createLogReader } from '../../collectors/logs/read'
import type { WireRecord } from '../../wire/records'

function read(...lines: string[]): WireRecord[] {
  const reader = createLogReader()
  return [...reader.push(Buffer.from(lines.join('\n'))), ...reader.end()]
}
const logged = (place: string, message: string) => `[2026-03-04 05:06:07,089] [INFO] [${place}] ${message}`

describe('DeepSpeed', () => {
  it('names the step of its timers only while it is known', () => {
    const records = read(
      logged('logging.py:96:log_dist', '[Rank 0] step=10, skipped=1, lr=[3e-05], mom=[[0.9, 0.999]]'),
      '[Rank 0] time (ms) | fwd: 10.00 | bwd: 20.00 | step: 1.00',
      '[Rank 0] time (ms) | fwd: 11.00 | bwd: 21.00 | step: 1.00',
    )
    expect(records.map(record => ('step' in record ? record.step : undefined))).toEqual([10, 10, undefined])
  })

  it('counts micro-batches in the older throughput line, which is no step', () => {
    const [record] = read(
      logged('timer.py:154:stop', '0/40, SamplesPerSec=83.5, MemAllocated=0.25GB, MaxMemAllocated=9.0GB'),
    )
    expect(record).toMatchObject({ samplesPerSecond: 83.5, memoryAllocatedBytes: 2 ** 28 })
    expect(record).not.toHaveProperty('step')
  })

  it('reads two entries that were glued together, each with its rank', () => {
    const entry = (rank: number) =>
      logged('logging.py:96:log_dist', `[Rank ${rank}] rank=${rank} time (ms) | forward: 5.00`)
    expect(read(entry(0) + entry(3))).toMatchObject([{ rank: 0 }, { rank: 3 }])
  })

  it('leaves the step of another program’s logger alone', () => {
    expect(read(logged('trainer.py:12:train', 'step=10, skipped=1, lr=[3e-05], mom=[0.9]'))).toEqual([])
  })

  it.each([
    ['fp16_enabled ................. True', 'fp16'],
    ['bfloat16_config .............. enabled=True immediate_grad_update=False', 'bf16'],
    ['bfloat16_enabled ............. False', undefined],
  ])('takes the precision from %s', (line, precision) => {
    const records = read(
      logged('config.py:900:print', 'DeepSpeedEngine configuration:'),
      logged('config.py:904:print', `  ${line}`),
      logged('config.py:904:print', '  zero_optimization_stage ...... 3'),
      logged('config.py:906:print_user_config', '  json = {'),
      '    "zero_optimization": {',
      '        "stage": 3',
      '    }',
      '}',
    )
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ kind: 'config', parallelism: { zeroStage: 3 } })
    expect('precision' in (records[0] ?? {}) ? records[0] : {}).toEqual(
      precision ? expect.objectContaining({ precision }) : {},
    )
  })

  it('reads the table with stragglers, where a column stands between', () => {
    const records = read(
      'Comm. Op            Message Size        Count               Total Latency(ms)   Total straggler(ms) Avg Latency(ms)     tput_avg (Gbps)     busbw_avg (Gbps)',
      'all_reduce',
      '                    4.0 KB              1                   0.24                0.06                0.24                0.17                0.16',
    )
    expect(records).toMatchObject([
      { operation: 'all-reduce', bytes: 4096, seconds: 0.00024, busBytesPerSecond: 0.02e9 },
    ])
  })
})
