/** A saved /sys/class/drm with devices of amdgpu: files with their paths, in the text format of ttar or as `grep -r .` prints them. */
import { sysfsRecords } from '../amd/sysfs'
import { textForm, type FileReading } from '../form'

const FILE = /(?:^|\/)class\/drm\/card(\d{1,4})\/device\/(?:hwmon\/hwmon\d{1,4}\/)?([\w/]{1,80})$/
const MAX_FILES = 100_000

interface Saved {
  readonly path: string
  readonly text: string
}

/** `Path: …`, `Lines: 2`, then so many lines: https://github.com/ideaship/ttar */
function* ofTtar(lines: readonly string[]): Generator<Saved> {
  for (let at = 0; at < lines.length; at += 1) {
    const path = /^Path: (.{1,1000})$/.exec(lines[at] ?? '')?.[1]
    const target = path === undefined ? undefined : /^SymlinkTo: (.{1,1000})$/.exec(lines[at + 1] ?? '')?.[1]
    const count = /^Lines: (\d{1,7})$/.exec(lines[at + 1] ?? '')?.[1]
    if (path === undefined) continue
    if (target !== undefined) yield { path, text: target }
    else if (count !== undefined) {
      yield { path, text: lines.slice(at + 2, at + 2 + Number(count)).join('\n') }
      at += 1 + Number(count)
    }
  }
}

/** `/sys/class/drm/card0/device/gpu_busy_percent:7`, a line for each line of a file. */
function* ofGrep(lines: readonly string[]): Generator<Saved> {
  const files = new Map<string, string[]>()
  for (const line of lines) {
    const [, path, text = ''] = /^([^\s:]{1,400}\/class\/drm\/card[^\s:]{1,300}):(.*)$/.exec(line.slice(0, 4000)) ?? []
    if (path === undefined || files.size >= MAX_FILES) continue
    files.set(path, [...(files.get(path) ?? []), text])
  }
  for (const [path, texts] of files) yield { path, text: texts.join('\n') }
}

/** Cards in the order of their number; index counts those of amdgpu, as rocm-smi does. */
function parse(text: string): FileReading | undefined {
  if (!text.slice(0, 1_000_000).includes('class/drm/card')) return undefined
  const lines = text.split(/\r?\n/)
  const saved = /^Path: /m.test(text) ? ofTtar(lines) : ofGrep(lines)
  const cards = new Map<number, Map<string, string>>()
  for (const { path, text: content } of saved) {
    const [, card, name = ''] = FILE.exec(path) ?? []
    if (card === undefined) continue
    const files = cards.get(Number(card)) ?? new Map<string, string>()
    cards.set(Number(card), files.set(name, content))
  }
  const amd = [...cards]
    .filter(([, files]) => /(?:^|\/)amdgpu$/.test(files.get('driver')?.trim() ?? '') || isAmdgpu(files.get('uevent')))
    .sort(([a], [b]) => a - b)
  if (amd.length === 0) return undefined
  const records = amd.flatMap(([, files], index) => sysfsRecords(index, files))
  return { records, linesRead: lines.filter(line => line.trim() !== '').length, linesUnread: 0 }
}

const isAmdgpu = (uevent: string | undefined) => /^DRIVER=amdgpu$/m.test(uevent ?? '')

export const amdgpuSysfs = textForm({
  name: 'amdgpu-sysfs',
  tool: 'amdgpu',
  help: 'saved files of the driver amdgpu below /sys/class/drm',
  origin: 'https://docs.kernel.org/gpu/amdgpu/driver-misc.html',
  parse,
})
