/** What holds for every collector, tested before anyone writes a test for it. */
import { describe, expect, it } from 'vitest'
import { collectors } from '../../collectors/index'
import type { CollectorSettings, Context } from '../../collectors/collector'
import { Batch } from '../../wire/table'
import { FakeHost } from '../unit/fake-host'

const settings: CollectorSettings = {
  intervalMs: 1000,
  logs: [],
  scrape: [],
  run: undefined,
  fromStart: false,
  synthetic: false,
}
const contextOf = (host: FakeHost, batch: Batch): Context => ({
  host,
  settings,
  batch: () => batch,
  cursor: undefined,
  warn: () => undefined,
})

describe.each([...collectors].map(collector => [collector.name, collector] as const))(
  'the collector %s',
  (_, collector) => {
    it('has a name, a help text, a pace and a limit', () => {
      expect(collector.name).toMatch(/^[a-z][a-z0-9-]*$/)
      expect(collector.help.length).toBeGreaterThan(10)
      expect(['node', 'job']).toContain(collector.scope)
      for (const intervalMs of [100, 1000, 3_600_000])
        expect(collector.everyMs({ ...settings, intervalMs })).toBeGreaterThan(0)
      expect(collector.timeoutMs).toBeGreaterThan(0)
    })

    it('finds nothing on an empty machine, and says why and what to do', async () => {
      const found = await collector.detect(new FakeHost(), settings)
      expect(found.available).toBe(false)
      if (found.available) return
      expect(found.why.length).toBeGreaterThan(5)
      expect(found.fix.length).toBeGreaterThan(5)
    })

    it('opens on an empty machine, fails with a reason or finds nothing, and can be closed twice', async () => {
      const batch = new Batch()
      const session = await collector.open(contextOf(new FakeHost(), batch))
      const problem = await session.collect().then(
        () => undefined,
        (error: unknown) => error,
      )
      if (problem !== undefined)
        expect(problem).toMatchObject({ name: 'PlumblineError', fix: expect.stringMatching(/.{5}/) as unknown })
      expect(batch.rows).toBe(0)
      await session.close()
      await session.close()
    })

    it('gives a cursor that is JSON, and takes back whatever is no cursor of its own', async () => {
      for (const cursor of [undefined, null, 'text', [1], { files: 3 }]) {
        const session = await collector.open({ ...contextOf(new FakeHost(), new Batch()), cursor })
        const now = session.cursor?.()
        if (now !== undefined) expect(JSON.parse(JSON.stringify(now))).toEqual(now)
        await session.close()
      }
    })
  },
)
