/** The indented text of `nvidia-smi -q`: `Name : value`, deeper lines belong to the one above them. */
import { branch, type Branch } from './tree'

const MAX_DEPTH = 32

/** `FB Memory Usage` → `fb_memory_usage`, as the XML calls it. */
const nameOf = (title: string) =>
  title
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')

export interface Outline {
  readonly root: Branch
  readonly linesRead: number
  readonly linesUnread: number
}

export const isLogTitle = (line: string) => /^\s*={3,40}\s*NVSMI LOG\s*={3,40}\s*$/.test(line.slice(0, 120))

/** `NVSMI LOG` begins a document (`nvidia_smi_log`), a bus id at the margin a device (`gpu`), as in the XML. */
export function readOutline(lines: readonly string[]): Outline {
  const root = branch('')
  let open: { indent: number; node: Branch }[] = []
  let log: Branch | undefined
  let linesRead = 0
  let linesUnread = 0
  for (const line of lines) {
    if (line.trim() === '') continue
    const indent = line.search(/\S/)
    const device = /^GPU ([\da-f:.]{7,20})\s*$/i.exec(line.slice(0, 40))?.[1]
    const colon = line.search(/\s: |\s:$/)
    const title = (colon < 0 ? line : line.slice(0, colon)).trim()
    if (isLogTitle(line)) {
      log = branch('nvidia_smi_log')
      root.children.push(log)
      open = []
    } else if (
      log === undefined ||
      line.length > 2000 ||
      !/^[A-Za-z]/.test(title) ||
      (colon < 0 && (title.length > 60 || (indent === 0 && device === undefined)))
    ) {
      linesUnread += 1
      continue
    } else {
      open = open.filter(above => above.indent < indent)
      const node =
        device === undefined ? branch(nameOf(title), colon < 0 ? '' : line.slice(colon + 2).trim()) : branch('gpu')
      if (open.length < MAX_DEPTH) {
        ;(open.at(-1)?.node ?? log).children.push(node)
        open.push({ indent, node })
      }
    }
    linesRead += 1
  }
  return { root, linesRead, linesUnread }
}
