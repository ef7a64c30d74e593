/** Formats of people's own: read before all others, checked before they are believed. */
import { describe, expect, it } from 'vitest'
import { createLogReader } from '../../collectors/logs/read'
import { formatsWith, userPatternSchema } from '../../collectors/logs/user-pattern'

const ours = {
  name: 'ours',
  step: String.raw`it (?<step>\d+)/(?<totalSteps>\d+) took (?<stepSeconds>[\d.]+) L=(?<loss>\S+)(?: mem (?<memoryPeakBytes>\S+ \S+))?`,
  scale: { stepSeconds: 0.001 },
  evaluation: '^eval ',
}

function read(text: string) {
  const reader = createLogReader({ formats: formatsWith([userPatternSchema.parse(ours)]) })
  return [...reader.push(Buffer.from(text)), ...reader.end()]
}

describe('a format of plumbline.yaml', () => {
  it('gives the fields that its groups name, in their units, and what is no number is absent', () => {
    expect(read('[rank2]: it 10/400 took 812.5 L=2.31 mem 20.5 GiB\nit 11/400 took 800 L=nan\neval ppl 12\n')).toEqual([
      {
        ...{ kind: 'step', rank: 2, source: 'ours', step: 10, totalSteps: 400, stepSeconds: 0.8125, loss: 2.31 },
        memoryPeakBytes: 22011707392,
      },
      { kind: 'step', source: 'ours', step: 11, totalSteps: 400, stepSeconds: 0.8 },
      { kind: 'event', type: 'nan-loss', message: 'the loss is not a number at step 11' },
      { kind: 'event', type: 'evaluation', message: 'eval ppl 12' },
    ])
  })

  it('comes before the known ones, which still read their lines', () => {
    const mine = formatsWith([{ ...ours, step: String.raw`^iter (?<step>\d+): loss (?<loss>[\d.]+)` }])
    const reader = createLogReader({ formats: mine })
    const records = reader.push(Buffer.from('iter 5: loss 2.5, time 80.1ms\nstep 5: train loss 2.4, val loss 2.6\n'))
    expect(records.map(record => ('source' in record ? record.source : record.kind))).toEqual(['ours', 'event'])
  })

  it.each([
    ['no field', { ...ours, step: String.raw`(?<step>\d+) (?<los>\d)` }, /no field "los"/],
    ['no step', { ...ours, step: String.raw`(?<loss>\d+)` }, /needs a group/],
    ['no pattern', { ...ours, step: '(?<step>' }, /Invalid regular expression/],
    ['a pattern that explodes', { ...ours, step: String.raw`(?<step>\d+) (\w+\s?)*$` }, /exponential/],
    ['an unknown key', { ...ours, stepp: 'x' }, /stepp/],
  ])('is refused: %s', (_, pattern, why) => {
    const result = userPatternSchema.safeParse(pattern)
    expect(result.success).toBe(false)
    expect(result.error?.issues.map(issue => issue.message).join()).toMatch(why)
  })

  it('cannot take the name of a known one', () => {
    expect(() => formatsWith([{ ...ours, name: 'megatron' }])).toThrow('two log formats are named "megatron"')
  })
})
