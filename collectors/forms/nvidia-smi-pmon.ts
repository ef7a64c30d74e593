/** `nvidia-smi pmon`: the processes of each device, sample by sample. */
import { textForm } from '../form'
import { ProcessSamples, readLines } from '../nvidia/lines'
import { isUnitLine, processLine, titlesOf, type Titles } from '../nvidia/monitor'

export const nvidiaSmiPmon = textForm({
  name: 'nvidia-smi-pmon',
  tool: 'nvidia-smi',
  help: 'one line for each process and sample of `nvidia-smi pmon`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins: /# ?(?:Date,? {1,20})?(?:Time,? {1,20})?gpu,? {1,20}pid/,
  parse(text) {
    let titles: Titles | undefined
    let samples: ProcessSamples<number> | undefined
    const reading = readLines(
      text,
      (line, add) => {
        samples ??= new ProcessSamples(add)
        const found = titlesOf(line, 'pmon')
        titles = found ?? titles
        if (titles === undefined || found !== undefined || isUnitLine(line)) return titles !== undefined
        const entry = processLine(titles, line)
        if (entry === undefined) return false
        samples.push(entry.start.index ?? -1, entry.start, entry.process)
        return true
      },
      () => samples?.end(),
    )
    return titles === undefined ? undefined : reading
  },
})
