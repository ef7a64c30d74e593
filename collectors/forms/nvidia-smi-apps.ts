/**
 * `nvidia-smi --query-compute-apps=… --format=csv…`: the processes that hold memory of each device. `--query-accounted-apps`
 * names those of the past as well: of a device it says only which it is.
 */
import type { RecordOf } from '../../wire/records'
import { textForm } from '../form'
import { quantity, word } from '../nvidia/cells'
import { readTimestamp } from '../nvidia/csv'
import { UNITS } from '../nvidia/fields'
import { ProcessSamples, readLines } from '../nvidia/lines'

const NAMES = new Set(['timestamp', 'gpu_name', 'gpu_bus_id', 'gpu_serial', 'gpu_uuid', 'pid', 'process_name', 'name'])
const MEMORY = /^used_(?:gpu_)?memory(?: \[MiB\])?$/
const ACCOUNTED = /^(?:gpu_utilization|mem_utilization|max_memory_usage|time)(?: \[(?:%|MiB|ms)\])?$/

/** Titles of such a table; undefined for any other line. */
function titlesOf(line: string): string[] | undefined {
  const titles = line
    .slice(0, 400)
    .replace(/^\uFEFF/, '')
    .split(',')
    .map(title => title.trim())
  const known = titles.every(title => NAMES.has(title) || MEMORY.test(title) || ACCOUNTED.test(title))
  const own = titles.some(title => MEMORY.test(title) || ACCOUNTED.test(title) || title === 'process_name')
  return known && own && titles.includes('pid') ? titles : undefined
}

export const nvidiaSmiApps = textForm({
  name: 'nvidia-smi-apps',
  tool: 'nvidia-smi',
  help: 'one line for each process and device of `nvidia-smi --query-compute-apps`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins: /(?=[^\n]{0,400}\bpid\b)(?:timestamp|gpu_|pid|process_name|name)[^\n,]{0,20}, ?[a-z]/,
  claims: ({ text }) => titlesOf(text.split(/\r?\n/, 1)[0] ?? '') !== undefined,
  parse(text) {
    let titles: string[] | undefined
    let samples: ProcessSamples<string> | undefined
    const accounted = new Set<string>()
    const reading = readLines(
      text,
      (line, add) => {
        samples ??= new ProcessSamples(add)
        const found = titlesOf(line)
        titles = found ?? titles
        if (titles === undefined || found !== undefined) return titles !== undefined
        const raw = line.slice(0, 10_000).split(',')
        // A command may hold commas; the cells are not quoted.
        const command = titles.findIndex(title => title === 'process_name' || title === 'name')
        const surplus = raw.length - titles.length
        if (surplus > 0 && command >= 0)
          raw.splice(command, surplus + 1, raw.slice(command, command + surplus + 1).join(','))
        const cells = raw.map(cell => cell.trim())
        const cell = (title: string) => cells[titles?.indexOf(title) ?? -1]
        const pid = quantity(cell('pid'))
        if (cells.length !== titles.length || pid === undefined) return false
        const uuid = word(cell('gpu_uuid'))
        const bus = word(cell('gpu_bus_id'))
        const name = command < 0 ? undefined : word(cells[command])
        const printed = cells[titles.findIndex(title => MEMORY.test(title))]
        const bare = /^\d+$/.test(printed ?? '') ? UNITS.MiB : 1
        const memory = quantity(printed)
        const time = readTimestamp(cell('timestamp') ?? '')
        // Without a name of the device each process stands alone: nothing says which of them share one.
        const key = uuid === undefined && bus === undefined ? `process ${pid}` : `${uuid ?? ''} ${bus ?? ''}`
        const device: RecordOf<'gpu'> = {
          kind: 'gpu',
          time: Number.isNaN(time) ? undefined : time,
          uuid,
          name: word(cell('gpu_name')),
          vendor: 'nvidia',
          source: 'nvidia-smi',
        }
        if (titles.some(title => ACCOUNTED.test(title))) {
          if (!accounted.has(key)) add(device)
          accounted.add(key)
          return true
        }
        samples.push(key, device, {
          pid,
          ...(name === undefined ? {} : { name }),
          ...(memory === undefined ? {} : { memoryUsedBytes: memory * bare }),
        })
        return true
      },
      () => samples?.end(),
    )
    return titles === undefined ? undefined : reading
  },
})
