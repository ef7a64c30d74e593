/** `amd-smi … --csv`. */
import { complaints } from '../amd/failures'
import { SmiCsv } from '../amd/smi-csv'
import { textForm, type FileReading } from '../form'

function parse(text: string): FileReading | undefined {
  const reading: FileReading = { records: [], linesRead: 0, linesUnread: 0 }
  const csv = new SmiCsv(record => reading.records.push(record))
  let own = false
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    if (csv.line(line)) {
      own = true
      reading.linesRead += 1
      continue
    }
    const said = complaints([line.trim()], 'amd-smi')
    reading.records.push(...said.records)
    reading.linesRead += said.linesRead
    reading.linesUnread += said.linesUnread
  }
  csv.end()
  return own && reading.linesRead >= reading.linesUnread ? reading : undefined
}

export const amdSmiCsv = textForm({
  name: 'amd-smi-csv',
  tool: 'amd-smi',
  help: 'a line for each device and turn of `amd-smi --csv`: monitor, metric, static, list, process',
  origin: 'https://rocm.docs.amd.com/projects/amdsmi/en/latest/how-to/amdsmi-cli-tool.html',
  begins: /(?:timestamp,)?gpu,[a-z_]{2,40}/,
  claims: ({ text }) => parse(text) !== undefined,
  parse,
})
