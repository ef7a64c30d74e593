/** Output of real AMD devices, where the collection lies beside the checkout: who claims a file, what is read and left unread. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { forms } from '../../collectors/forms'
import type { TextForm } from '../../collectors/form'
import { asRecord, type RecordOf } from '../../wire/records'

const captures = join(import.meta.dirname, '../../../shared/captures')
const there = existsSync(captures)
if (!there) console.warn('captures of real devices are not beside this checkout: their tests are skipped')

const FOLDERS = ['rocm-smi-json', 'rocm-smi-text', 'amd-smi', 'sysfs-drm']
const expectedForm = (folder: string, text: string) => {
  if (folder === 'sysfs-drm') return 'amdgpu-sysfs'
  return folder === 'amd-smi'
    ? /^\s*[[{]/m.test(text) && /"gpu"/.test(text)
      ? 'amd-smi-json'
      : 'amd-smi-text'
    : folder
}
const files = there
  ? FOLDERS.flatMap(folder => readdirSync(join(captures, folder)).map(name => [folder, name] as const))
  : []
describe.skipIf(!there)('captures of AMD devices', () => {
  it.each(files)('%s/%s is read by its own form, whole', (folder, name) => {
    const bytes = readFileSync(join(captures, folder, name))
    const text = bytes.toString('utf8')
    const claims = [...forms].filter(form => form.claims({ bytes, text })).map(form => form.name)
    const reading = (forms.get(claims[0] ?? '') as TextForm | undefined)?.parse(text)
    expect(claims).toEqual([expectedForm(folder, text)])
    expect(reading?.linesUnread).toBe(0)
    for (const record of reading?.records ?? []) expect(asRecord(JSON.parse(JSON.stringify(record)))).toBeDefined()
    for (const record of (reading?.records ?? []).filter((one): one is RecordOf<'gpu'> => one.kind === 'gpu'))
      expect(record.vendor).toBe('amd')
  })
})

describe.skipIf(!there)('values of AMD devices', () => {
  const gpus = (form: string, path: string) =>
    ((forms.get(form) as TextForm).parse(readFileSync(join(captures, path), 'utf8'))?.records ??
      []) as RecordOf<'gpu'>[]

  it('are those printed, and absent where none was', () => {
    const [xt] = gpus('rocm-smi-json', 'rocm-smi-json/rx6700xt-rocm602.json')
    expect(xt).toMatchObject({ temperatureCelsius: 45, memoryTotalBytes: 12868124672, powerLimitWatts: 211 })
    expect(xt).not.toHaveProperty('powerWatts')
    expect(xt?.pcieGeneration).toBe(4)
    const [mi300] = gpus('rocm-smi-text', 'rocm-smi-text/mi300x-concise.txt')
    expect(mi300).toMatchObject({ name: 'AMD Instinct MI300X', powerWatts: 121, smClockHertz: 131e6 })
    expect(gpus('amd-smi-text', 'amd-smi/strix-halo-monitor-all-na.txt')).toEqual([])
    expect(gpus('amd-smi-text', 'amd-smi/monitor-ptumv.txt')[0]).toMatchObject({
      powerWatts: 171,
      temperatureCelsius: 32,
      memoryUsedBytes: 283 * 1048576,
      memoryClockHertz: 900e6,
    })
  })

  it('are the whole device’s once, not once for each of its partitions', () => {
    const records = gpus('rocm-smi-text', 'rocm-smi-text/mi300x-cpx-concise.txt')
    expect(records.filter(({ powerWatts }) => powerWatts !== undefined).map(({ index }) => index)).toEqual([0, 8])
    expect(records.filter(({ instance }) => instance !== undefined)).toHaveLength(9)
    for (const { instance, powerWatts } of records) expect(instance === undefined).toBe(powerWatts !== undefined)
  })
})
