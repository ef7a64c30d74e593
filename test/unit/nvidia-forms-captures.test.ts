/** Every mode of real drivers, where the collection lies beside the checkout: who claims a file, and what is left unread. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { forms } from '../../collectors/forms'
import type { TextForm } from '../../collectors/form'
import { asRecord, type RecordOf } from '../../wire/records'

const captures = join(import.meta.dirname, '../../../shared/captures')
const there = existsSync(captures)
if (!there) console.warn('captures of real drivers are not beside this checkout: their tests are skipped')

const FOLDERS: Record<string, string> = {
  'nvidia-smi-q': 'nvidia-smi-q',
  'nvidia-smi-table': 'nvidia-smi-table',
  'nvidia-smi-xml': 'nvidia-smi-xml',
  'nvidia-smi-nvlink': 'nvidia-smi-nvlink',
  'nvidia-smi-topo': 'nvidia-smi-topo',
  'nvidia-smi-mon': '',
}
/** Nothing at all, another vendor's, an error text. */
const OTHERS = new Set(['a10-status-empty.txt', 'litgpt-xgmi-x8-rocm.txt', 'win-rtx2080s-591.topo.txt'])
const expectedForm = (folder: string, name: string) =>
  FOLDERS[folder] !== '' ? FOLDERS[folder] : /pmon/.test(name) ? 'nvidia-smi-pmon' : 'nvidia-smi-dmon'
const files = there
  ? Object.keys(FOLDERS).flatMap(folder => readdirSync(join(captures, folder)).map(name => [folder, name] as const))
  : []

describe.skipIf(!there)('captures of nvidia-smi', () => {
  it.each(files.filter(([, name]) => !OTHERS.has(name)))('%s/%s is read by its own form, whole', (folder, name) => {
    const bytes = readFileSync(join(captures, folder, name))
    const text = bytes.toString('utf8')
    const claims = [...forms].filter(form => form.claims({ bytes, text })).map(form => form.name)
    expect(claims).toEqual([expectedForm(folder, name)])
    const reading = (forms.get(claims[0] ?? '') as TextForm).parse(text)
    if (!/slurm/.test(name)) expect(reading?.linesUnread).toBe(0)
    for (const record of reading?.records ?? []) expect(asRecord(JSON.parse(JSON.stringify(record)))).toBeDefined()
    const printed = text.match(/<product_name>|^ +Product Name /gm)?.length
    if (printed !== undefined) {
      const gpus = (reading?.records as RecordOf<'gpu'>[]).filter(record => record.name !== undefined)
      expect(gpus).toHaveLength(printed)
      for (const { memoryTotalBytes = 0 } of gpus) expect(memoryTotalBytes % 1048576).toBe(0)
    }
  })
})
