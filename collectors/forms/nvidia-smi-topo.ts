/**
 * `nvidia-smi topo -m`: by what path each device, and each NIC, reaches each other; `topo -p2p`: which devices cannot reach one
 * another's memory, and why.
 */
import { textForm } from '../form'
import { readLines } from '../nvidia/lines'

/** Of `-p2p`, with what the tool's legend says of it. */
const REFUSALS: Readonly<Record<string, string>> = {
  CNS: 'the chipset does not support it',
  GNS: 'the GPU does not support it',
  TNS: 'the topology does not support it',
  NS: 'not supported',
  DR: 'disabled by a key of the registry',
}
const PEER = new Set(['X', 'OK', 'U', ...Object.keys(REFUSALS)])
const PATH = /^(?:X|SYS|NODE|PHB|PXB|PIX|NV\d{1,2})$/
const DEVICE = /^(?:GPU\d{1,4}|NIC\d{1,4}|mlx\d_\d{1,3}|bnxt_re\S{1,20}|irdma\S{1,20}|ibp\S{1,20})$/
/** Underlining of the titles, also where the escape character was lost as the text was copied. */
// eslint-disable-next-line no-control-regex
const COLOURS = /\u001b?\[\d{0,3}m/g

const wordsOf = (line: string) => line.slice(0, 8000).replaceAll(COLOURS, '').trim().split(/\s+/)

/** The devices that head the columns; the affinities behind them are none. */
function columnsOf(words: readonly string[]): string[] | undefined {
  const end = words.findIndex(word => !DEVICE.test(word))
  const devices = words.slice(0, end < 0 ? undefined : end)
  const behind = words[devices.length]
  return devices.length > 0 && (behind === undefined || /^(?:CPU|NUMA)$/.test(behind)) ? devices : undefined
}

export const nvidiaSmiTopo = textForm({
  name: 'nvidia-smi-topo',
  tool: 'nvidia-smi',
  help: 'the path between each two devices and NICs of `nvidia-smi topo -m`, what `-p2p` says is refused',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins: /[\t ]{1,20}(?:.?\[\d{1,2}m)?GPU0[\t ]/,
  claims: ({ text }) => {
    const reading = nvidiaSmiTopo.parse(text)
    return reading !== undefined && reading.linesRead > 1 && reading.linesRead > reading.linesUnread
  },
  parse(text) {
    let columns: string[] | undefined
    let rows = 0
    const aliases = new Map<string, string>()
    for (const [, alias = '', device = ''] of text.matchAll(/^ {1,8}(NIC\d{1,4}): (\S{1,60})\s*$/gm))
      aliases.set(alias, device)
    const nameOf = (device: string) => aliases.get(device) ?? device
    const reading = readLines(text, (line, add) => {
      const words = wordsOf(line)
      const titles = columnsOf(words)
      const from = words[0] ?? ''
      const paths = columns === undefined ? [] : words.slice(1, columns.length + 1)
      columns ??= titles
      if (titles !== undefined || columns === undefined) return titles !== undefined
      if (columns.includes(from) && paths.length === columns.length && paths.every(path => PATH.test(path))) {
        rows += 1
        for (const [at, to] of columns.entries())
          if (to !== from) add({ kind: 'path', from: nameOf(from), to: nameOf(to), path: paths[at] })
        return true
      }
      if (columns.includes(from) && paths.length === columns.length && paths.every(path => PEER.has(path))) {
        rows += 1
        for (const [at, to] of columns.entries()) {
          const meaning = REFUSALS[paths[at] ?? '']
          const message = `${from} cannot reach the memory of ${to}: ${paths[at]}`
          if (meaning !== undefined) add({ kind: 'event', type: 'no-peer-access', device: from, meaning, message })
        }
        return true
      }
      const legend = words[1] === '=' && /^[A-Z]{1,4}[#\d]{0,2}$/.test(from)
      return legend || /^(?:NIC )?Legend:$/.test(words.join(' ')) || aliases.has(from.replace(/:$/, ''))
    })
    return rows === 0 ? undefined : reading
  },
})
