/** `nvidia-smi dmon`, with any metrics (`-s`, `--gpm-metrics`) and with date and time or without. */
import { textForm } from '../form'
import { readLines } from '../nvidia/lines'
import { deviceLine, isUnitLine, titlesOf, type Titles } from '../nvidia/monitor'

export const nvidiaSmiDmon = textForm({
  name: 'nvidia-smi-dmon',
  tool: 'nvidia-smi',
  help: 'one line for each device and sample of `nvidia-smi dmon`, GPM metrics included',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins: /# ?(?:Date,? {1,20})?(?:Time,? {1,20})?gpu,? {1,20}(?!pid)[a-z]/,
  parse(text) {
    let titles: Titles | undefined
    const reading = readLines(text, (line, add) => {
      const found = titlesOf(line, 'dmon')
      titles = found ?? titles
      if (titles === undefined || found !== undefined || isUnitLine(line)) return titles !== undefined
      const record = deviceLine(titles, line)
      if (record !== undefined && record !== 'instance') add(record)
      return record !== undefined
    })
    return titles === undefined ? undefined : reading
  },
})
