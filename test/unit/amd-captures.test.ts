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
/** Lines of explanation around the output, and figures that are no values of a form. */
const UNREAD: Record<string, number> = {}

describe.skipIf(!there)('captures of AMD devices', () => {
  it.each(files)('%s/%s is read by its own form, whole', (folder, name) => {
    const bytes = readFileSync(join(captures, folder, name))
    const text = bytes.toString('utf8')
    const claims = [...forms].filter(form => form.claims({ bytes, text })).map(form => form.name)
    const reading = (forms.get(claims[0] ?? '') as TextForm | undefined)?.parse(text)
    if (process.env['SHOW'] !== undefined)
      console.log(
        folder,
        name,
        claims,
        reading?.records.length,
        reading?.linesRead,
        reading?.linesUnread,
        JSON.stringify(reading?.records.slice(0, 3)),
      )
    expect(claims).toEqual([expectedForm(folder, text)])
    expect(reading?.linesUnread).toBe(UNREAD[name] ?? 0)
    for (const record of reading?.records ?? []) expect(asRecord(JSON.parse(JSON.stringify(record)))).toBeDefined()
    for (const record of (reading?.records ?? []).filter((one): one is RecordOf<'gpu'> => one.kind === 'gpu'))
      expect(record.vendor).toBe('amd')
  })
})
