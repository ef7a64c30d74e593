/** `ibswinfo`: a report of one unmanaged InfiniBand switch. What is not OK in it becomes an event; there is no kind for the rest. */
import type { RecordOf } from '../../wire/records'
import { textForm } from '../form'

const FIELD = /^([A-Za-z][\w #()/:.-]{0,40}?|\s{1,8}\S[\w #()/:.-]{0,40}?)\s*\| (\S.{0,100})$/
const RULE = /^[=-]{10,200}$/
const FIX = 'look at the switch: have the power supply or fan replaced before it slows or drops links'

const NAMES = ['product name', 'serial number', 'GUID'] as const

export const ibswinfo = textForm({
  name: 'ibswinfo',
  tool: 'ibswinfo',
  help: 'power supplies and fans of an InfiniBand switch that are not OK, from `ibswinfo`',
  origin: 'https://github.com/stanford-rc/ibswinfo',
  claims: ({ text }) => /^part number +\| /m.test(text) && /^PSID +\| /m.test(text),
  parse(text) {
    const lines = text.split(/\r?\n/).filter(line => line.trim() !== '')
    if (!lines.some(line => RULE.test(line.trim()))) return undefined
    const fields = new Map<string, string>()
    const records: RecordOf<'event'>[] = []
    const counts = { linesRead: 0, linesUnread: 0 }
    let unit = ''
    let title: string | undefined
    for (const line of lines) {
      const [, name = '', value = ''] = FIELD.exec(line) ?? []
      if (name === '') {
        if (!RULE.test(line.trim()) && title !== undefined) counts.linesUnread += 1
        else counts.linesRead += 1
        if (!RULE.test(line.trim())) title ??= line.trim()
        continue
      }
      counts.linesRead += 1
      fields.set(name.trim(), value.trim())
      unit = /^PSU\d/.exec(name)?.[0] ?? (name.startsWith(' ') ? unit : '')
      if (!/(?:status|DC power)$/.test(name.trim()) || /^OK\b/i.test(value)) continue
      const part = name.startsWith(' ') ? `${unit} ${name.trim()}` : name.trim()
      records.push({ kind: 'event', type: 'switch-fault', message: `${part}: ${value.trim()}`, fix: FIX })
    }
    const device = NAMES.map(name => fields.get(name))
      .filter(Boolean)
      .join(' ')
    return { records: records.map(record => ({ ...record, device })), ...counts }
  },
})
