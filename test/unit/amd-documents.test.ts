/** JSON of AMD's tools as it comes: glued, cut off, with commas too many, among other lines. */
import { describe, expect, it } from 'vitest'
import { documentsIn } from '../../collectors/amd/documents'
import { parseRocmJson } from '../../collectors/amd/rocm-json'
import { parseSmiJson } from '../../collectors/amd/smi-json'

describe('documents in a text', () => {
  it('are found one after another, with lines between', () => {
    expect(documentsIn('WARNING: x\n[1, 2]\n{"a": "}]"}{"b": 3}\n\nend\n')).toMatchObject({
      values: [[1, 2], { a: '}]' }, { b: 3 }],
      others: ['WARNING: x', 'end'],
      linesUnread: 0,
    })
  })

  it('may have commas before a closing bracket, but none within a string is touched', () => {
    expect(documentsIn('[{"a": ", ]",},\n]').values).toEqual([[{ a: ', ]' }]])
  })

  it('that are cut off give what was said whole, and not the value that was cut', () => {
    expect(documentsIn('[{"a": 12, "b": {"c": 3}, "d": 45').values).toEqual([[{ a: 12, b: { c: 3 } }]])
    expect(documentsIn('{"a": {"b": 1}\n').values).toEqual([{ a: { b: 1 } }])
    expect(documentsIn('{"a": 1').values).toEqual([])
  })

  it('end soon where brackets are those of something else', () => {
    const started = documentsIn('[x\n'.repeat(100_000))
    expect(started.values).toEqual([])
    expect(documentsIn(`${'['.repeat(1000)}\n`).values).toEqual([])
  })
})

describe('saved JSON', () => {
  const text =
    '{"card0": {"GPU use (%)": "40", "Temperature (Sensor edge) (C)": "51.0"}, "card1": {"GPU use (%)": "7"}}'

  it('gives nothing wrong wherever it is cut', () => {
    for (let end = 0; end <= text.length; end += 1) {
      for (const record of parseRocmJson(text.slice(0, end))?.records ?? []) {
        if (record.kind !== 'gpu') continue
        expect([undefined, record.index === 0 ? 0.4 : 0.07]).toContain(record.utilizationRatio)
        expect([undefined, 51]).toContain(record.temperatureCelsius)
      }
    }
    expect(parseRocmJson(text)?.records).toHaveLength(2)
  })

  it('of something else with a number of a device is nobody’s', () => {
    expect(parseSmiJson('[{"gpu": 0, "loss": 2.5}]')).toBeUndefined()
    expect(parseSmiJson('{"gpu": "H100", "power": 700}')).toBeUndefined()
    expect(parseRocmJson('{"card0": {"suit": "hearts"}}')).toBeUndefined()
  })
})
