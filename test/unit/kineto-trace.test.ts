import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cover, union } from '../../collectors/evidence/intervals'
import { JsonItems } from '../../collectors/evidence/json-items'
import { Spans } from '../../collectors/evidence/spans'
import { Trace } from '../../collectors/evidence/trace'

const folder = join(import.meta.dirname, '../fixtures/forms/kineto-trace')
const traces = readdirSync(folder).filter(name => name.endsWith('.json'))

function cut(bytes: Buffer, places: readonly number[]) {
  const elements: unknown[] = []
  const members: Record<string, unknown> = {}
  const items = new JsonItems({
    list: 'traceEvents',
    element: part => elements.push(JSON.parse(part.toString('utf8'))),
    member: (name, part) => (members[name] = JSON.parse(part.toString('utf8'))),
  })
  const bounds = [0, ...[...places].sort((a, b) => a - b), bytes.length]
  for (const [at, end] of bounds.slice(1).entries()) items.push(bytes.subarray(bounds[at], end))
  return { elements, members, left: items.left }
}

describe('a JSON text cut into items', () => {
  it.each(traces)('gives what JSON.parse gives, wherever %s is cut', name => {
    const bytes = readFileSync(join(folder, name))
    const whole = JSON.parse(bytes.toString('utf8')) as unknown[] | { traceEvents: unknown[] }
    const { traceEvents: elements, ...members } = Array.isArray(whole) ? { traceEvents: whole } : whole
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), places => {
        expect(cut(bytes, places)).toEqual({ elements, members, left: 0 })
      }),
    )
  })

  it('leaves out an element that is larger than any event', () => {
    const text = `{"traceEvents": [{"a": "${'x'.repeat(5_000_000)}"}, {"b": 1}]}`
    expect(cut(Buffer.from(text), [1_000_000, 3_000_000])).toEqual({ elements: [{ b: 1 }], members: {}, left: 1 })
  })

  it('takes any bytes', () => {
    const items = new JsonItems({ list: 'a', element: () => undefined, member: () => undefined })
    fc.assert(
      fc.property(fc.stringMatching(/^[[\]{}",:\\a]{0,40}$/), text => {
        items.push(Buffer.from(text))
      }),
    )
  })
})

describe('spans of time', () => {
  const spans = fc.array(fc.tuple(fc.nat(50), fc.nat(20)), { maxLength: 12 })

  it('cover what counting moment by moment says', () => {
    fc.assert(
      fc.property(spans, fc.nat(70), fc.nat(30), (given, begin, length) => {
        const cover = new Cover(union(given.flatMap(([from, duration]) => [from, from + duration])))
        const moments = Array.from({ length }, (_, at) => begin + at + 0.5)
        const inside = moments.filter(m => given.some(([from, duration]) => m > from && m < from + duration))
        expect(cover.within(begin, begin + length)).toBe(inside.length)
      }),
    )
  })
})

describe('a trace of more kernels than are held', () => {
  const events = Array.from({ length: 40 }, (_, step) => [
    { ph: 'X', cat: 'user_annotation', name: `ProfilerStep#${step}`, ts: 100 * step, dur: 100 },
    ...Array.from({ length: 10 }, (_, at) => ({
      ph: 'X',
      cat: 'kernel',
      name: 'gemm',
      ts: 100 * step + 10 * at,
      dur: 5,
    })),
  ]).flat()
  const stepsOf = (spans: Spans, order: typeof events) => {
    const trace = new Trace(spans)
    for (const event of order) trace.event(Buffer.from(JSON.stringify(event)))
    const records = trace.records()
    return {
      steps: records.filter(({ kind }) => kind === 'step'),
      events: records.filter(({ kind }) => kind === 'event'),
    }
  }

  it.each([
    ['by time', events],
    ['backwards', events.toReversed()],
  ])('tells of the first steps what all of them would, and says that it does: %s', (_, order) => {
    const { steps, events: said } = stepsOf(new Spans(100), order)
    const whole = stepsOf(new Spans(), events).steps
    const told = steps.filter(step => 'phases' in step && step.phases !== undefined)
    expect(told.length).toBeGreaterThan(3)
    expect(told).toEqual(whole.slice(0, told.length))
    expect(steps).toHaveLength(40)
    expect(said).toMatchObject([{ type: 'untold' }])
  })
})
