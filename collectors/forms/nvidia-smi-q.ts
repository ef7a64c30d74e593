/** `nvidia-smi -q`, the text, once or in a loop. */
import { Batch } from '../../wire/table'
import { textForm } from '../form'
import { isLogTitle, readOutline } from '../nvidia/outline'
import { queryRecords } from '../nvidia/query'

export const nvidiaSmiQ = textForm({
  name: 'nvidia-smi-q',
  tool: 'nvidia-smi',
  help: 'devices, clocks, errors and processes of `nvidia-smi -q`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins: / {0,4}={3,40} ?NVSMI LOG ?={3,40}/,
  parse(text) {
    const lines = text.split(/\r?\n/)
    if (!lines.slice(0, 20).some(isLogTitle)) return undefined
    const { root, linesRead, linesUnread } = readOutline(lines)
    const batch = new Batch()
    for (const record of queryRecords(root)) batch.add(record)
    return { records: batch.records(), linesRead, linesUnread }
  },
})
