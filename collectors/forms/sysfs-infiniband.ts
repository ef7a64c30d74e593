/** A saved /sys/class/infiniband: as a text archive (ttar of node_exporter) or as `grep -r . /sys/class/infiniband` prints it. */
import type { WireRecord } from '../../wire/records'
import type { Form } from '../form'
import { findPorts, readPort } from '../kernel/infiniband'
import { wholeBytes } from '../form'

const PATH = /^(?:Path: )?(?:\S{0,400}\/)?(?:class\/infiniband\/)?([\w.-]{1,64}\/ports\/\d{1,4}\/[\w/]{1,100})$/
const GREP = /^(?:\S{0,400}?\/)?infiniband\/([\w.-]{1,64}\/ports\/\d{1,4}\/[\w/]{1,100}):(.{0,200})$/
const ROOT = '/sys/class/infiniband'

/** Values by path below the root. */
function readArchive(text: string): { files: Map<string, string>; linesRead: number; linesUnread: number } {
  const files = new Map<string, string>()
  const counts = { linesRead: 0, linesUnread: 0 }
  let path: string | undefined
  let left = 0
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    counts.linesRead += 1
    if (left > 0) {
      left -= 1
      if (path !== undefined) files.set(path, `${files.get(path) ?? ''}${line}\n`)
      continue
    }
    const grep = GREP.exec(line)
    if (grep !== null) files.set(grep[1] ?? '', grep[2] ?? '')
    else if (line.startsWith('Path: ')) path = PATH.exec(line)?.[1]
    else if (line.startsWith('Lines: ')) left = Math.min(1e6, Number(line.slice(7)) || 0)
    else if (!/^(?:# ttar|Mode: |Directory: |SymlinkTo: )/.test(line) && !/infiniband\/\S{1,200}:/.test(line)) {
      counts.linesRead -= 1
      counts.linesUnread += 1
    }
  }
  return { files, ...counts }
}

/** The files as a machine has them, for the reader that the live collector uses. */
function machineOf(files: ReadonlyMap<string, string>) {
  const folders = new Map<string, Set<string>>()
  for (const path of files.keys()) {
    const parts = `${ROOT}/${path}`.split('/')
    for (let depth = 1; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join('/')
      folders.set(folder, (folders.get(folder) ?? new Set()).add(parts[depth] ?? ''))
    }
  }
  return {
    list: (folder: string) => Promise.resolve([...(folders.get(folder) ?? [])].sort()),
    read: (path: string) => Promise.resolve(files.get(path.slice(ROOT.length + 1))),
  }
}

async function linksOf(files: ReadonlyMap<string, string>): Promise<WireRecord[]> {
  const machine = machineOf(files)
  const ports = await findPorts(machine)
  const links = await Promise.all(
    ports.map(
      async port =>
        ({ kind: 'link', device: port.device, port: port.port, ...(await readPort(machine, port)) }) as const,
    ),
  )
  return links.map(link => JSON.parse(JSON.stringify(link)) as WireRecord)
}

export const sysfsInfiniband: Form = {
  name: 'sysfs-infiniband',
  tool: 'sysfs',
  help: 'counters, speed and state of InfiniBand and RoCE ports from a saved /sys/class/infiniband',
  origin: 'https://docs.kernel.org/admin-guide/abi-stable-files.html',
  claims: ({ text }) => readArchive(text).files.size > 0,
  async read(chunks, write) {
    const { files, ...counts } = readArchive((await wholeBytes(chunks, 'sysfs-infiniband')).toString('utf8'))
    await write(await linksOf(files))
    return counts
  },
}
