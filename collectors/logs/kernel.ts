/** The kernel log, however it was saved: dmesg in any of its forms, journalctl, syslog, raw /dev/kmsg. */
import type { WireRecord } from '../../wire/records'
import { beginKernelState, endHardware, readKernelEvents, type KernelState } from '../kernel/log-events'
import { readJournalEntry, readKernelLine } from '../kernel/log-line'
import { defineFormat, type LogLine } from './format'

/** Programs whose lines in a system log tell of the machine. Others may be a job’s own, and are not claimed. */
const SYSTEM = /^(?:kernel|audit|auditd|systemd(?:-[\w-]{1,32})?|NetworkManager|earlyoom|rasdaemon|mcelog)$/
/** Known without a prefix: the driver’s longer messages go on in such lines, and OOM kills are copied into jobs’ logs. */
const BARE =
  /^(?:NVRM: |oom_reaper: reaped process \d)|(?:^|\W)(?:Memory cgroup out|Out) of memory: Kill(?:ed)? process \d{1,10},? /
const BOUNDARY = /^-- (?:Logs begin at |Journal begins at |Boot [\da-f]{32} --|Reboot --|No entries --)/

export const kernel = defineFormat({
  name: 'kernel',
  help: 'the kernel log (dmesg, journalctl, syslog): Xids, lost links, host OOM kills, hardware errors, hangs',
  origin: 'https://github.com/torvalds/linux/blob/master/kernel/printk/printk.c',
  begin: beginKernelState,
  parse(line: LogLine, state: KernelState): WireRecord[] | undefined {
    const read = readJournalEntry(line.text) ?? readKernelLine(line.text)
    const { host, program } = { ...line, ...read }
    const dmesg = read !== undefined && !('program' in read)
    if (!dmesg && !SYSTEM.test(program ?? '') && !BARE.test(line.text))
      return BOUNDARY.test(line.text) && line.text.length < 400 ? [] : undefined
    const time = read?.time ?? line.time
    const events = readKernelEvents((read?.text ?? line.text).trimStart(), time, state)
    return events.map(event => ({ ...event, node: host }))
  },
  flush(state: KernelState) {
    const report = endHardware(state)
    return report === undefined ? [] : [report]
  },
})
