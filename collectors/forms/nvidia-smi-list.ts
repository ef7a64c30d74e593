/** `nvidia-smi -L`: each device, and each MIG instance as a device of its own UUID without an index. */
import { textForm } from '../form'
import { word } from '../nvidia/cells'
import { readLines } from '../nvidia/lines'

const DEVICE = /^GPU (\d{1,4}): (.{1,200}) \(UUID: (\S{1,100})\)\s*$/
const INSTANCE = /^\s{1,8}MIG (\S{1,40})\s+Device\s+\d{1,3}: \(UUID: (\S{1,100})\)\s*$/

export const nvidiaSmiList = textForm({
  name: 'nvidia-smi-list',
  tool: 'nvidia-smi',
  help: 'names and UUIDs of the devices, of `nvidia-smi -L`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins: /GPU \d{1,4}: [^\n]{1,200}\(UUID: [^\n]{1,60}\)\s{0,4}(?:$|\n(?!\s{1,16}(?:(?:C2C )?Link \d|NVLE:)))/,
  claims: ({ text }) => {
    const lines = text
      .slice(0, 20_000)
      .split(/\r?\n/)
      .filter(line => line.trim() !== '')
    return DEVICE.test(lines[0] ?? '') && lines.slice(0, 2).every(line => DEVICE.test(line) || INSTANCE.test(line))
  },
  parse: text =>
    readLines(text, (line, add) => {
      const [, index, name, uuid] = DEVICE.exec(line.slice(0, 400)) ?? []
      const [, profile, instance] = INSTANCE.exec(line.slice(0, 400)) ?? []
      const about = { kind: 'gpu', vendor: 'nvidia', source: 'nvidia-smi' } as const
      if (index !== undefined) add({ ...about, index: Number(index), name: word(name), uuid: word(uuid) })
      else if (profile !== undefined) add({ ...about, name: `MIG ${profile}`, uuid: word(instance) })
      return index !== undefined || profile !== undefined
    }),
})
