/** Lines of the kernel log to events; those of several lines (OOM killer, hardware error reports) keep a state between. */
import type { RecordOf } from '../../wire/records'
import { RULES } from './log-rules'
import { adviceForSxid, adviceForXid } from './xid'

export type KernelState = {
  /** Cgroup and its limit in bytes, of the OOM report that is being printed. */
  oom: { cgroup: string | null; limit: number | null } | null
  /** A hardware error report (APEI, ACPI or AMD ACA) that is being printed, and the device that it named. */
  hardware: { message: string; time: number | null; section: string | null; device: string | null } | null
  /** Devices that an Xid 79 told of already: the line behind it says the same. */
  lost: string[]
}
export const beginKernelState = (): KernelState => ({ oom: null, hardware: null, lost: [] })

type Event = RecordOf<'event'>
const MESSAGE_LENGTH = 1000
const MOST_LOST = 64

const event = (type: string, text: string, fields: Partial<Event>): Event => ({
  kind: 'event',
  type,
  message: text.slice(0, MESSAGE_LENGTH),
  ...fields,
})

const XID = /^NVRM: Xid \((?:PCI:)?([\da-f]{4,8}:[\da-f]{2}:[\da-f]{2}(?:\.\d)?)(?: [^)]{1,60})?\): (\d{1,4})\b/i
const SXID =
  /^nvidia-nvswitch\d{1,3}: SXid \((?:PCI:)?([\da-f]{4,8}:[\da-f]{2}:[\da-f]{2}(?:\.\d)?)\): (\d{1,6}), (.{0,200})/i
const PID = /\bpid='?(\d{1,10})\b/

function readXid(text: string, state: KernelState): Event | undefined {
  const xid = XID.exec(text)
  if (xid !== null) {
    const [, device = '', number = ''] = xid
    const pid = PID.exec(text)?.[1]
    if (number === '79') state.lost = [...state.lost.slice(1 - MOST_LOST), device]
    const about = { device, pid: pid === undefined ? undefined : Number(pid), code: Number(number) }
    return event('xid', text, { ...about, ...adviceForXid(Number(number)) })
  }
  const sxid = SXID.exec(text)
  if (sxid === null) return undefined
  const [, device, number, rest = ''] = sxid
  return event('sxid', text, { device, code: Number(number), ...adviceForSxid(/^Fatal\b/i.test(rest)) })
}

const OOM_BEGINS = /^(?:\S.{0,100} invoked oom-killer: |Task in \S{1,400} killed as a result of limit of )/
const OOM_LIMIT = /^memory: usage \d{1,18}kB, limit (\d{1,18})kB/
const OOM_CGROUP = /^oom-kill:constraint=.{0,400}?(?:oom_memcg=([^,]{1,400}),|task_memcg=)/
const OOM_KILLED =
  /(?:^|: )Killed process (\d{1,10}),? (?:UID \d{1,10},? )?\((.{1,64})\),? (?:total-vm:\d{1,18}kB, )?(.{0,300})/
const OOM_USER =
  /^(?:(?:Killed|Marked) (\/\S{1,400}|.{1,100}?) (?:for killing )?due to memory (?:used|pressure)|(\S{1,256}): (?:A process of this unit has been killed by the OOM killer|Failed with result 'oom-kill')|sending SIG(?:TERM|KILL) to process (\d{1,10}) (?:.{0,300}?VmRSS (\d{1,12}) MiB)?)/
/** The kernel says so of a cgroup without a limit: the largest multiple of a page below 2^63. */
const NO_LIMIT_KILOBYTES = 9_007_199_254_740_988
const FIX_OOM =
  'find what grew (data loader workers, pinned buffers, checkpoints in host memory); give the job more memory or fewer workers'

/** Resident memory of a killed process: what of it was its own, files' and shared. */
function residentBytes(figures: string): number | undefined {
  const parts = [...figures.matchAll(/\b(?:anon|file|shmem)-rss:(\d{1,15})kB/g)].map(match => Number(match[1]) * 1024)
  return parts.length === 0 ? undefined : parts.reduce((sum, bytes) => sum + bytes, 0)
}

function readOom(text: string, state: KernelState): Event | undefined {
  if (OOM_BEGINS.test(text)) state.oom = { cgroup: null, limit: null }
  if (state.oom !== null) {
    const limit = OOM_LIMIT.exec(text)?.[1]
    if (limit !== undefined && Number(limit) < NO_LIMIT_KILOBYTES) state.oom.limit = Number(limit) * 1024
    state.oom.cgroup = OOM_CGROUP.exec(text)?.[1] ?? state.oom.cgroup
  }
  const user = OOM_USER.exec(text)
  if (user !== null) {
    const [, cgroup, unit, pid, mebibytes] = user
    const daemon = 'a daemon ended processes of the host before its memory ran out'
    return event('host-oom', text, {
      device: cgroup ?? unit,
      pid: pid === undefined ? undefined : Number(pid),
      processBytes: mebibytes === undefined ? undefined : Number(mebibytes) * 1024 ** 2,
      meaning: unit === undefined ? daemon : `a process of ${unit} was killed for memory`,
      fix: FIX_OOM,
    })
  }
  const killed = OOM_KILLED.exec(text)
  if (killed === null) return undefined
  const [, pid, device, figures = ''] = killed
  const { cgroup = null, limit = null } = state.oom ?? {}
  state.oom = null
  const inGroup = cgroup !== null || /^Memory cgroup out of memory/.test(text)
  const where = cgroup === null ? 'a memory limit (cgroup)' : `the memory limit of ${cgroup}`
  return event('host-oom', text, {
    device,
    pid: Number(pid),
    fix: FIX_OOM,
    processBytes: residentBytes(figures),
    meaning: `the kernel killed ${device} because ${inGroup ? `${where} was reached` : 'the host ran out of memory'}`,
    capacityBytes: limit ?? undefined,
  })
}

const HARDWARE =
  /^(?:\S{1,40} ([\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d): (?:amdgpu: )?)?\{\d{1,9}\}\[Hardware Error\]: ?(.{0,300})/i

/** The report of a hardware error that is over now. */
export function endHardware(state: KernelState): Event | undefined {
  const report = state.hardware
  state.hardware = null
  if (report === null || /\]: ?event severity: (?:info|corrected)/.test(report.message)) return undefined
  return event('machine-check', report.message, {
    time: report.time ?? undefined,
    device: report.device ?? undefined,
    meaning: `the firmware reported a hardware error${report.section === null ? '' : ` (${report.section})`}`,
    fix: 'drain the node and look at its system event log (ipmitool sel elist); have the part replaced if it comes again',
  })
}

/** One line of a report; undefined where it is none. */
function readHardware(text: string, time: number | undefined, state: KernelState): Event[] | undefined {
  const match = HARDWARE.exec(text)
  if (match === null) return undefined
  const [, device, line = ''] = match
  const starts = /^(?:event severity: |(?:Accelerator Check Architecture|Machine check) events logged)/.test(line)
  const before = starts ? endHardware(state) : undefined
  if (starts) state.hardware = { message: text, time: time ?? null, section: null, device: device ?? null }
  const report = state.hardware
  if (report !== null) {
    report.section ??= /^ {0,8}section_?type: (.{1,80})/i.exec(line)?.[1] ?? null
    report.device ??= /^ {0,8}device_id: ([\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d)/i.exec(line)?.[1] ?? null
  }
  return before === undefined ? [] : [before]
}

function readRule(text: string, state: KernelState): Event | undefined {
  for (const { type, pattern, meaning, fix } of RULES) {
    const match = pattern.exec(text)
    if (match === null) continue
    const { device, pid, ...others } = match.groups ?? {}
    const subject = device ?? Object.values(others).find(value => value !== undefined)
    if (type === 'gpu-lost' && state.lost.some(lost => subject?.startsWith(lost) === true)) return undefined
    return event(type, text, { device: subject, pid: pid === undefined ? undefined : Number(pid), meaning, fix })
  }
  return undefined
}

/** Events of one line, without the prefix of the tool that printed it; `time` is what that said. May change `state`. */
export function readKernelEvents(text: string, time: number | undefined, state: KernelState): Event[] {
  const report = readHardware(text, time, state)
  if (report !== undefined) return report
  const ended = endHardware(state)
  const found = readXid(text, state) ?? readOom(text, state) ?? readRule(text, state)
  return [ended, found && { ...found, time }].filter(one => one !== undefined)
}
