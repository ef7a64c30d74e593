/**
 * Names of DCGM's fields without a value: a list of them, or the counters that dcgm-exporter is told to export (`NAME, type,
 * help`). Told as what it is, so that nobody waits for figures.
 */
import { textForm } from '../form'
import { readLines } from '../nvidia/lines'

const NAME =
  /^\s{0,8}#?\s{0,8}(?:DCGM_(?:FI|EXP)_[A-Z0-9_]{2,80}\s{0,8}(?:,.{0,400})?|dcgm_[a-z0-9_]{2,80}\s{0,8},.{0,400})$/
const REMARK = /^\s{0,8}#/

export const dcgmFields = textForm({
  name: 'dcgm-fields',
  tool: 'dcgm',
  help: 'a list of DCGM’s fields, or of the counters that dcgm-exporter is to export: no values',
  origin: 'https://github.com/NVIDIA/dcgm-exporter/blob/main/etc/default-counters.csv',
  claims: ({ text }) => {
    const lines = text.split(/\r?\n/).filter(line => line.trim() !== '')
    const named = lines.filter(line => NAME.test(line)).length
    return named > 0 && lines.every(line => NAME.test(line) || REMARK.test(line))
  },
  parse(text) {
    const reading = readLines(text, line => NAME.test(line) || REMARK.test(line))
    const message = 'names of fields of DCGM, without values'
    const fix =
      'save the page of the exporter (curl -s http://NODE:9400/metrics), or what `dcgmi dmon -e FIELDS` prints'
    return { ...reading, records: [{ kind: 'event', type: 'untold', message, fix }] }
  },
})
