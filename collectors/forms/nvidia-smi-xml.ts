/** `nvidia-smi -q -x`, one document or the many of a loop. */
import { Batch } from '../../wire/table'
import { textForm } from '../form'
import { queryRecords } from '../nvidia/query'
import { readXml } from '../nvidia/xml'

const countLines = (text: string) => text.split('\n').filter(line => line.trim() !== '').length

export const nvidiaSmiXml = textForm({
  name: 'nvidia-smi-xml',
  tool: 'nvidia-smi',
  help: 'devices, clocks, errors and processes of `nvidia-smi -q -x`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins: /(?:<\?xml[^>\n]{0,200}>\s{0,8})?(?:<!DOCTYPE nvidia_smi_log[^>\n]{0,200}>\s{0,8})?<nvidia_smi_log/,
  // What begins so is its own, whatever becomes of the rest.
  claims: ({ text }) =>
    /^\ufeff?\s{0,80}(?:<\?xml[^>]{0,200}>\s{0,80})?(?:<!DOCTYPE nvidia_smi_log[^>]{0,200}>\s{0,80})?<nvidia_smi_log/.test(
      text,
    ) || (nvidiaSmiXml.parse(text)?.records.length ?? 0) > 0,
  parse(text) {
    const log = text.indexOf('<nvidia_smi_log')
    if (log < 0 || log > 4000) return undefined
    const declared = text.indexOf('<?xml')
    const from = declared >= 0 && declared < log ? declared : log
    const { root, end } = readXml(text, from)
    const batch = new Batch()
    for (const record of queryRecords(root)) batch.add(record)
    const linesUnread = countLines(text.slice(0, from)) + countLines(text.slice(end))
    return { records: batch.records(), linesRead: countLines(text.slice(from, end)), linesUnread }
  },
})
