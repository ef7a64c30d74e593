/** `nvidia-smi --query-retired-pages=… --format=csv…`: pages of device memory that errors took out of use. */
import { textForm } from '../form'
import { word } from '../nvidia/cells'
import { readTimestamp } from '../nvidia/csv'
import { readLines } from '../nvidia/lines'

const titlesOf = (line: string) => {
  const titles = line
    .slice(0, 400)
    .split(',')
    .map(title => title.trim())
  return titles.includes('retired_pages.cause') || titles.includes('retired_pages.address') ? titles : undefined
}

export const nvidiaSmiRetired = textForm({
  name: 'nvidia-smi-retired',
  tool: 'nvidia-smi',
  help: 'retired pages of device memory, of `nvidia-smi --query-retired-pages`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins: /(?=[^\n]{0,400}retired_pages\.)(?:timestamp|gpu_)[^\n,]{0,20}, ?[a-z]/,
  claims: ({ text }) => titlesOf(text.split(/\r?\n/, 1)[0] ?? '') !== undefined,
  parse(text) {
    let titles: string[] | undefined
    const told = new Set<string>()
    const reading = readLines(text, (line, add) => {
      const found = titlesOf(line)
      titles = found ?? titles
      if (titles === undefined || found !== undefined) return titles !== undefined
      const cells = line
        .slice(0, 2000)
        .split(',')
        .map(each => each.trim())
      if (cells.length !== titles.length) return false
      const cell = (title: string) => word(cells[titles?.indexOf(title) ?? -1])
      const [uuid, name, address, cause] = ['gpu_uuid', 'gpu_name', 'retired_pages.address', 'retired_pages.cause'].map(
        cell,
      )
      const written = readTimestamp(cell('timestamp') ?? '')
      const time = Number.isNaN(written) ? undefined : written
      if (!told.has(`${uuid} ${name}`) && (uuid ?? name) !== undefined)
        add({ kind: 'gpu', time, uuid, name, vendor: 'nvidia', source: 'nvidia-smi' })
      told.add(`${uuid} ${name}`)
      // Without an address none is retired for this cause.
      const device = cell('gpu_bus_id') ?? uuid
      const message = `page ${address} is retired${cause === undefined ? '' : `: ${cause}`}`
      if (address !== undefined) add({ kind: 'event', type: 'retired-page', time, device, message })
      return true
    })
    return titles === undefined ? undefined : reading
  },
})
