/** What rocm-smi and amd-smi say when they cannot do their work, told apart, each with what to do about it. */
import type { RecordOf } from '../../wire/records'

export interface Failure {
  readonly type: 'not-installed' | 'no-driver' | 'no-devices' | 'no-permission' | 'python' | 'failed' | 'hung' | 'ended'
  readonly message: string
  readonly fix: string
}

export const LOAD_DRIVER =
  'load the driver (modprobe amdgpu); after a kernel update build it for this kernel (dkms autoinstall), or reboot'
export const JOIN_GROUPS =
  'let this user open /dev/kfd and /dev/dri/renderD*: sudo usermod -aG render,video $USER, then log in again; in a container pass --device /dev/kfd --device /dev/dri'
const SEE_DEVICES = 'check with lspci -d 1002: that the GPU is seen, and dmesg for messages of amdgpu'
const PYTHON =
  'install the tool together with ROCm of the same version (apt install rocm-smi-lib amd-smi-lib), and python3'

/** Anchored to the beginning of a line, so that a training log that quotes one is not taken for the tool. */
const LEVEL = '^(?:(?:ERROR|WARNING|CRITICAL)[:\\s]{1,4}(?:root:)?\\s?)?'
const patterns: readonly (readonly [Failure['type'], RegExp, fix: string])[] = [
  ['no-driver', new RegExp(`${LEVEL}Drivers? not (?:initialized|loaded)\\b.{0,10}\\(?.{0,20}amdgpu`, 'i'), LOAD_DRIVER],
  ['no-driver', /^cat: \/sys\/module\/amdgpu\/initstate: No such file/i, LOAD_DRIVER],
  ['no-driver', new RegExp(`${LEVEL}.{0,80}AMDSMI_STATUS_(?:DRIVER_NOT_LOADED|DRM_ERROR)`), LOAD_DRIVER],
  ['no-driver', /^ROCk module is NOT loaded/i, LOAD_DRIVER],
  [
    'no-permission',
    new RegExp(
      `${LEVEL}(?:.{0,80}AMDSMI_STATUS_NO_PERM|.{0,40}RSMI_STATUS_PERMISSION|User is missing .{0,40}(?:render|video)|Unable to open /dev/kfd|.{0,20}Permission denied.{0,40}/dev/(?:kfd|dri)|.{0,60}is not (?:a )?member of .{0,20}(?:render|video))`,
      'i',
    ),
    JOIN_GROUPS,
  ],
  [
    'no-devices',
    new RegExp(
      `${LEVEL}(?:No AMD GPUs? (?:specified|found|detected)|Unable to (?:find|detect) any (?:devices|GPU)|No GPUs? (?:found|detected))`,
      'i',
    ),
    SEE_DEVICES,
  ],
  [
    'python',
    /^(?:Traceback \(most recent call last\)|(?:ModuleNotFound|Import|Attribute|OS|Key|Syntax)Error: |\/usr\/bin\/env: .{0,4}python)/,
    PYTHON,
  ],
  [
    'failed',
    new RegExp(
      `${LEVEL}.{0,80}(?:AMDSMI_STATUS_(?!SUCCESS)[A-Z_]{1,40}|rsmi_init\\(\\) failed|RSMI_STATUS_(?!SUCCESS)[A-Z_]{1,40})`,
    ),
    'run the tool by hand, and look for amdgpu in dmesg',
  ],
]

/** What a line of output or error output complains of; undefined for any other line. */
export function failureOf(line: string): Failure | undefined {
  const text = line.trim().slice(0, 500)
  for (const [type, pattern, fix] of patterns) if (pattern.test(text)) return { type, message: text, fix }
  return undefined
}

/** What the tools say besides: warnings about a device, the shell's prompt, a mark that lines were left out. */
const NOTE = /^(?:\$ |# |(?:WARNING|ERROR)(?::root)?: |\.{3}$|amd-smi |rocm-smi |sudo )/

/** Lines around the data of a saved file: an event for each failure among them. */
export function complaints(lines: readonly string[], tool: string) {
  const records: RecordOf<'event'>[] = []
  let linesRead = 0
  let linesUnread = 0
  for (const line of lines) {
    const failure = failureOf(line)
    if (failure !== undefined) records.push({ kind: 'event', type: failure.type, message: failure.message })
    if (failure !== undefined || NOTE.test(line) || line.startsWith(tool)) linesRead += 1
    else linesUnread += 1
  }
  return { records, linesRead, linesUnread }
}
