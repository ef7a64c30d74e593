/** What nvidia-smi says when it cannot do its work, told apart, each with what to do about it. */
export interface Failure {
  readonly type:
    | 'not-installed'
    | 'no-driver'
    | 'version-mismatch'
    | 'gpu-lost'
    | 'no-devices'
    | 'no-permission'
    | 'unknown-field'
    | 'not-supported'
    | 'failed'
    | 'hung'
    | 'ended'
  readonly message: string
  readonly fix: string
}

const INSTALL =
  'install the NVIDIA driver with its tools; in a container start it with --gpus all (or the runtime nvidia)'
const LOST = 'reboot the node; look for "Xid" in dmesg, and have slot, cables and power of the GPU checked'

/** Anchored to the beginning of a line, so that a training log that quotes one is not taken for nvidia-smi. */
const patterns: readonly (readonly [Failure['type'], RegExp, fix: string])[] = [
  [
    'no-driver',
    /^NVIDIA-SMI has failed because (?:it|you) couldn't communicate with the NVIDIA driver/i,
    'load the driver (modprobe nvidia); after a kernel update build it for this kernel (dkms autoinstall), or reboot',
  ],
  [
    'version-mismatch',
    /^Failed to initialize NVML: Driver\/library version mismatch/i,
    'the driver was updated while it was loaded: reboot the node, or unload and load the nvidia modules',
  ],
  ['no-driver', /^Failed to initialize NVML: Driver Not Loaded/i, 'load the driver (modprobe nvidia), or reboot'],
  [
    'no-permission',
    /^Failed to initialize NVML: Insufficient Permissions/i,
    'let this user read and write /dev/nvidia* (often: join the group video)',
  ],
  [
    'no-permission',
    /^Failed to initialize NVML: GPU access blocked by the operating system/i,
    'let this user read and write /dev/nvidia*; in a container start it with --gpus all; under WSL update the driver of Windows',
  ],
  [
    'no-driver',
    /^NVIDIA-SMI couldn't find libnvidia-ml/i,
    'install the library of the driver (libnvidia-ml, of the same version as the module); in a container start it with --gpus all',
  ],
  ['gpu-lost', /^(?:Unable to determine the device handle for GPU|GPU).*(?:GPU is lost|fallen off the bus)/i, LOST],
  ['gpu-lost', /^Unable to determine the device handle for GPU/i, LOST],
  [
    'no-devices',
    /^No devices were found/i,
    'check with lspci that the GPU is seen, and dmesg for messages of the driver (NVRM)',
  ],
  [
    'failed',
    /^Failed to initialize NVML: (?!Success)/i,
    'in a container: start it anew (it lost its devices); on the host: look for NVRM in dmesg, or reboot',
  ],
  ['unknown-field', /^Field "[^"]*" is not a valid field to query/i, 'update the driver'],
  [
    'not-supported',
    /^Not supported on the device\(s\)\s*$/i,
    'this GPU or driver lacks that mode: use nvidia-smi --query-gpu instead',
  ],
  ['failed', /^ERROR: Option \S{1,40} is (?:missing its value|not recognized)/i, 'see nvidia-smi -h of this driver'],
  ['failed', /^NVIDIA-SMI has failed/i, 'run nvidia-smi by hand, and look for NVRM in dmesg'],
  [
    'failed',
    /^(?:Failed to process command line|Invalid combination of input arguments)/i,
    'run nvidia-smi by hand: the tool and the driver are not of one installation',
  ],
]

/** What a line of nvidia-smi's output or error output complains of; undefined for any other line. */
export function failureOf(line: string): Failure | undefined {
  const text = line.trim().slice(0, 500)
  for (const [type, pattern, fix] of patterns) if (pattern.test(text)) return { type, message: text, fix }
  return undefined
}

export const notInstalled = (why: string): Failure => ({
  type: 'not-installed',
  message: `nvidia-smi could not be started (${why})`,
  fix: INSTALL,
})

export const hung = (seconds: number): Failure => ({
  type: 'hung',
  message: `nvidia-smi printed nothing for ${Math.round(seconds)} s and was stopped`,
  fix: 'run nvidia-smi by hand; if it hangs as well, look for NVRM and Xid in dmesg, and reboot the node',
})

export const ended = (code: number | null, signal: string | null, lastWords: string): Failure => ({
  type: 'ended',
  message: `nvidia-smi ended (${signal ?? `exit code ${code ?? 'unknown'}`})${lastWords === '' ? '' : `: ${lastWords}`}`,
  fix: 'run nvidia-smi by hand to see what it says',
})

/** The field that a driver refused. */
export function refusedField(line: string): string | undefined {
  return /^Field "([^"]*)" is not a valid field to query/i.exec(line.trim())?.[1]
}

/** `GPU 0: NVIDIA H200 (UUID: GPU-…)`, as `nvidia-smi -L` prints it. */
export function listedDevices(list: string): string[] {
  return [...list.matchAll(/^GPU \d+: (.*?) \(UUID: /gm)].map(match => match[1] ?? '')
}
