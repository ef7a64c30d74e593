/**
 * `nvidia-smi nvlink`: state and speed (`-s`), errors (`-e`, `-ec`), bytes (`-gt d`, `-g 0`), capabilities (`-c`) and remote
 * ends (`-R`) of each link of each device, firmware (`-info`); `nvidia-smi c2c` of the links to the processor.
 */
import type { RecordOf } from '../../wire/records'
import { textForm } from '../form'
import { quantity } from '../nvidia/cells'
import { readLines } from '../nvidia/lines'

const DEVICE = /^GPU (\d{1,4}): /
const LINK = /^\s{1,16}(C2C )?Link (\d{1,3})[:,] ?(.{1,120})$/
/** Of the device: `NVLE: disabled`, `Firmware Version:` and the parts of that. */
const ABOUT = /^\s{1,16}(?:NVLE|Firmware Version|[A-Z]{3,5}(?: [A-Z]{3,4})?):(?: .{1,60})?$/
/** What it says of a device instead of its links. */
const INSTEAD =
  /^\s{0,16}(?:Device does not have or support Nvlink|Nvlink queries are not supported|(?:NVML: )?Unable to retrieve Nvlink information)/i
const NAME = /^([A-Za-z][\w -]{1,40}): *(\S.{0,60})$/
/** Counters that a link should not count, whatever an era calls them. */
const TROUBLE = /Errors?(?: Count)?(?: - \d{1,2})?$|^CRC lane \d{1,2}$|discards?$|failed events$|Replay Count$/i

type Link = RecordOf<'link'>
/** Of a link: kind, device, port. */
const NAMES = 3

/** `19,241,022 KiB` → bytes; before KiB it said KBytes. */
const bytes = (text: string) => quantity(text.replaceAll(/(\d),(?=\d{3})/g, '$1').replace(/ KBytes$/, ' KiB'))

/** The way of a counter of bytes, and whether it counts payload: raw ones count headers too, and are told where no other is. */
const COUNTER = /^(Data |Raw )?([TR]x)(?:[01]| bytes)?$/i

function count(link: Link, name: string, value: string): void {
  const [, what, way] = COUNTER.exec(name) ?? []
  const amount = way === undefined ? undefined : bytes(value)
  if (way === undefined || amount === undefined) return
  const field = /^t/i.test(way) ? 'transmitBytes' : 'receiveBytes'
  if (what === 'Data ') link[field] = amount
  else link[field] ??= amount
}

/** What one line says of a link. The counters of before 2020 stand on one line. */
function say(link: Link, text: string): void {
  const both = /^(Rx[01]): (.{1,40}), (Tx[01]): (.{1,40})$/.exec(text)
  if (both !== null) {
    count(link, both[1] ?? '', both[2] ?? '')
    count(link, both[3] ?? '', both[4] ?? '')
    return
  }
  const speed = / GB\/s$/.test(text) ? quantity(text) : undefined
  if (speed !== undefined) {
    link.rateBitsPerSecond = speed * 8
    link.state = 'up'
  } else if (/^<inactive>$/i.test(text)) link.state = 'down'
  const [, name = '', value = ''] = NAME.exec(text) ?? []
  if (!TROUBLE.test(name)) count(link, name, value)
  else if (/^\d{1,15}$/.test(value))
    link.errors = { ...link.errors, [name.toLowerCase().replaceAll(/[ -]{1,3}/g, '_')]: Number(value) }
}

export const nvidiaSmiNvlink = textForm({
  name: 'nvidia-smi-nvlink',
  tool: 'nvidia-smi',
  help: 'speed, errors and bytes of each NVLink of `nvidia-smi nvlink`, and of each C2C link',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins: /GPU \d{1,4}: [^\n]{1,200}\n\s{1,16}(?:(?:C2C )?Link \d|NVLE:)/,
  claims: ({ text }) => {
    const [first = '', second = ''] = text
      .slice(0, 4000)
      .split(/\r?\n/)
      .filter(line => line.trim() !== '')
    return DEVICE.test(first) && (LINK.test(second) || INSTEAD.test(second) || ABOUT.test(second))
  },
  parse(text) {
    let device: string | undefined
    let link: Link | undefined
    let seen = false
    // Of a link of which only a capability or its other end was said there is nothing to tell.
    const tell = (one: Link | undefined, add: (record: Link) => void) => {
      if (one !== undefined && Object.keys(one).length > NAMES) add(one)
    }
    const reading = readLines(
      text,
      (line, add) => {
        const index = DEVICE.exec(line)?.[1]
        const [, toProcessor, port, said = ''] = LINK.exec(line.slice(0, 200)) ?? []
        if (index !== undefined) device = `gpu${index}`
        else if (device === undefined) return false
        else if (port === undefined) {
          const about = ABOUT.test(line.slice(0, 200))
          seen ||= about
          return about || INSTEAD.test(line)
        } else {
          seen = true
          const name = `${toProcessor === undefined ? 'nvlink' : 'c2c'}${port}`
          if (link?.device !== device || link.port !== name) {
            tell(link, add)
            link = { kind: 'link', device, port: name }
          }
          say(link, said.trim())
        }
        return true
      },
      add => tell(link, add),
    )
    return device === undefined || (!seen && !text.includes('link')) ? undefined : reading
  },
})
