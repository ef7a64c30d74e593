/** `nvidia-smi nvlink`: state and speed (`-s`), errors (`-e`), bytes (`-gt d`) and capabilities (`-c`) of each link of each device. */
import type { RecordOf } from '../../wire/records'
import { textForm } from '../form'
import { quantity } from '../nvidia/cells'
import { readLines } from '../nvidia/lines'

const DEVICE = /^GPU (\d{1,4}): /
const LINK = /^\s{1,16}Link (\d{1,3})[:,] ?(.{1,120})$/
/** What it says of a device instead of its links. */
const INSTEAD =
  /^\s{0,16}(?:Device does not have or support Nvlink|Nvlink queries are not supported|(?:NVML: )?Unable to retrieve Nvlink information)/i
const NAME = /^([A-Za-z][A-Za-z ]{1,40}): *(\S.{0,60})$/

type Link = RecordOf<'link'>

/** `19,241,022 KiB` → bytes. */
const bytes = (text: string) => quantity(text.replaceAll(/(\d),(?=\d{3})/g, '$1'))

/** What one line says of a link; the payload counters (`Data`) are its bytes, the raw ones count headers too. */
function say(link: Link, text: string): void {
  const speed = / GB\/s$/.test(text) ? quantity(text) : undefined
  if (speed !== undefined) {
    link.rateBitsPerSecond = speed * 8
    link.state = 'up'
  } else if (/^<inactive>$/i.test(text)) link.state = 'down'
  const [, name = '', value = ''] = NAME.exec(text) ?? []
  if (/^Data Tx$/.test(name)) link.transmitBytes = bytes(value)
  else if (/^Data Rx$/.test(name)) link.receiveBytes = bytes(value)
  else if (/Errors?(?: Count)?$/.test(name)) {
    const count = /^\d{1,15}$/.test(value) ? Number(value) : undefined
    if (count !== undefined) link.errors = { ...link.errors, [name.toLowerCase().replaceAll(' ', '_')]: count }
  }
}

export const nvidiaSmiNvlink = textForm({
  name: 'nvidia-smi-nvlink',
  tool: 'nvidia-smi',
  help: 'speed, errors and bytes of each NVLink of `nvidia-smi nvlink`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  claims: ({ text }) => {
    const [first = '', second = ''] = text
      .slice(0, 4000)
      .split(/\r?\n/)
      .filter(line => line.trim() !== '')
    return DEVICE.test(first) && (LINK.test(second) || INSTEAD.test(second))
  },
  parse(text) {
    let device: string | undefined
    let link: Link | undefined
    let seen = false
    const reading = readLines(
      text,
      (line, add) => {
        const index = DEVICE.exec(line)?.[1]
        const [, port, said = ''] = LINK.exec(line.slice(0, 200)) ?? []
        if (index !== undefined) device = `gpu${index}`
        else if (device === undefined || port === undefined) return device !== undefined && INSTEAD.test(line)
        else {
          seen = true
          const name = `nvlink${port}`
          if (link?.device !== device || link.port !== name) {
            if (link !== undefined) add(link)
            link = { kind: 'link', device, port: name }
          }
          say(link, said.trim())
        }
        return true
      },
      add => {
        if (link !== undefined) add(link)
      },
    )
    return device === undefined || (!seen && !text.includes('link')) ? undefined : reading
  },
})
