/** `rocm-smi … --csv`: a line for each card under one of names, then tables of the system apart by blank lines. */
import { cellsOfCsv } from '../amd/csv'
import { complaints } from '../amd/failures'
import { isRocm, put, rocmRecords } from '../amd/rocm'
import { textForm, type FileReading } from '../form'

function parse(text: string): FileReading | undefined {
  const reading: FileReading = { records: [], linesRead: 0, linesUnread: 0 }
  let header: string[] | undefined
  let own = false
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') {
      header = undefined
      continue
    }
    const cells = cellsOfCsv(line)
    if (cells !== undefined && cells.length > 1 && cells[0] === 'device') header = cells
    else if (header !== undefined && cells?.length === header.length && /^card\d{1,4}$/.test(cells[0] ?? '')) {
      const named = new Map<string, string>()
      for (const [at, name] of header.entries()) if (at > 0) put(named, name, cells[at] ?? '')
      own ||= isRocm(named)
      reading.records.push(...rocmRecords(Number((cells[0] ?? '').slice(4)), named))
    } else {
      const said = complaints([line.trim()], 'rocm-smi')
      reading.records.push(...said.records)
      reading.linesRead += said.linesRead
      reading.linesUnread += said.linesUnread
      continue
    }
    reading.linesRead += 1
  }
  return own ? reading : undefined
}

export const rocmSmiCsv = textForm({
  name: 'rocm-smi-csv',
  tool: 'rocm-smi',
  help: 'a line for each device of `rocm-smi --csv`',
  origin: 'https://github.com/ROCm/rocm_smi_lib/blob/amd-staging/python_smi_tools/rocm_smi.py',
  begins: /device,[^\n,]{3,60}/,
  claims: ({ text }) => parse(text) !== undefined,
  parse,
})
