/** What a page of this node adds to what its own tools say: nothing is counted twice. */
import { describe, expect, it } from 'vitest'
import { addition } from '../../collectors/scrape'
import type { RecordOf } from '../../wire/records'

const all = { nvidia: true, amd: true, kernelLog: true }
const none = { nvidia: false, amd: false, kernelLog: false }
const amd: RecordOf<'gpu'> = { kind: 'gpu', index: 0, vendor: 'amd', utilizationRatio: 0.5, powerWatts: 600 }
const profiled: RecordOf<'gpu'> = { kind: 'gpu', index: 0, vendor: 'nvidia', powerWatts: 600, tensorActiveRatio: 0.4 }
const xid: RecordOf<'event'> = { kind: 'event', type: 'xid', message: 'DCGM: the last Xid is 79' }

describe('a scraped page of this node', () => {
  it('tells nothing of an AMD device that its own tools tell', () => {
    expect(addition(amd, all)).toBeUndefined()
    expect(addition({ ...amd, pcieReceiveBytesPerSecond: 9 }, all)).toEqual({
      ...{ kind: 'gpu', index: 0, vendor: 'amd', pcieReceiveBytesPerSecond: 9 },
    })
    expect(addition(amd, { ...all, amd: false })).toBe(amd)
  })

  it('tells of an NVIDIA device what the query does not give', () => {
    const { powerWatts, ...rest } = profiled
    expect(powerWatts).toBe(600)
    expect(addition(profiled, all)).toEqual(rest)
    expect(addition(profiled, none)).toBe(profiled)
  })

  it('tells an Xid only where nobody reads the kernel log', () => {
    expect(addition(xid, all)).toBeUndefined()
    expect(addition(xid, { ...all, kernelLog: false })).toBe(xid)
    expect(addition({ ...xid, type: 'row-remap-failure' }, all)).toBeDefined()
  })
})
