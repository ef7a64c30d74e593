/**
 * Xids, the numbers under which NVIDIA's driver reports errors of a device, and SXids, those of an NVSwitch: what each
 * means and what to do next. Numbers and resolutions: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
 * (read 2026-11-24); SXids: https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/
 */
const FIXES = {
  application:
    'look for a bug in the job first (compute-sanitizer, CUDA_LAUNCH_BLOCKING=1); if other jobs fail on this device too, run dcgmi diag -r 3',
  restart: 'restart the job; if it comes again on the same device, reset the GPU and run dcgmi diag -r 3',
  earlier:
    'look for an earlier Xid of the same device: that one is the cause; alone, a job was ended with work on the GPU',
  reset: 'drain the node and reset the GPU (nvidia-smi --gpu-reset) or reboot; if it comes again, run dcgmi diag -r 3',
  reboot:
    'drain and power-cycle the node; check seating, power and PCIe of the device; if it comes again, have it replaced',
  replace: 'drain the node, run dcgmi diag -r 3 and have the device replaced',
  nvlink:
    'look at nvidia-smi nvlink -s and -e, and at the fabric manager’s log; reset the GPUs of this node together; if it comes again on the same link, have it checked',
  update: 'update the driver (and firmware); if it stays, send nvidia-bug-report.sh output to the vendor',
  follow: 'do what the line says: it sums up other Xids of the same device',
  watch: 'nothing at once; watch whether it comes more often',
  wiring: 'check the auxiliary power cables of the device',
  none: 'nothing: it says what was done',
} as const

type Fix = keyof typeof FIXES
const video = 'a video or image engine of the device failed'
const copy = 'a copy engine of the device failed'
const display = 'the display part of the device failed'
const commands = 'the device was given invalid commands'

const XIDS: Readonly<Record<number, readonly [meaning: string, fix: Fix]>> = {
  1: [commands, 'update'],
  2: [commands, 'update'],
  3: [commands, 'update'],
  4: [commands, 'update'],
  6: [commands, 'update'],
  7: ['the device was given commands at an invalid address', 'update'],
  8: ['the device stopped processing', 'restart'],
  9: ['the driver made an error in programming the device', 'update'],
  11: [commands, 'restart'],
  12: ['the driver failed while handling an exception of the device', 'update'],
  13: ['a kernel did something illegal on the device, often an access out of bounds', 'application'],
  16: [display, 'update'],
  18: ['PCIe bus mastering was switched off for the device', 'reboot'],
  19: [display, 'update'],
  20: [commands, 'update'],
  24: ['a semaphore of the device timed out', 'restart'],
  25: [commands, 'update'],
  26: ['device memory did not answer in time', 'reset'],
  27: [video, 'restart'],
  28: [video, 'restart'],
  29: [video, 'restart'],
  30: ['an access to a semaphore of the device failed', 'restart'],
  31: ['the job touched device memory that is not mapped (MMU fault)', 'application'],
  32: ['the device was given corrupted commands: of a bad job, or by a PCIe fault', 'restart'],
  33: ['a micro-controller of the device failed', 'reset'],
  34: [video, 'restart'],
  36: [video, 'restart'],
  37: ['the driver’s firmware failed', 'update'],
  38: ['the driver’s firmware failed', 'update'],
  39: [copy, 'restart'],
  40: [copy, 'restart'],
  41: [copy, 'restart'],
  42: [video, 'restart'],
  43: ['the job’s channel was stopped after an error of its own; the device goes on', 'application'],
  44: ['the device failed while switching between contexts', 'reset'],
  45: ['the job’s work was cleared off the device', 'earlier'],
  46: ['the device stopped processing and could not be revived', 'reset'],
  47: [video, 'restart'],
  48: ['device memory lost data: an uncorrectable (double-bit) ECC error', 'reset'],
  54: ['auxiliary power is not connected', 'wiring'],
  56: [display, 'update'],
  57: ['the memory interface could not be programmed', 'reset'],
  58: ['the memory interface is unstable', 'replace'],
  59: ['a micro-controller of the device failed', 'reset'],
  60: [video, 'restart'],
  61: ['a micro-controller of the device stopped at a breakpoint', 'reset'],
  62: ['a micro-controller of the device halted', 'reset'],
  63: ['a bad memory page or row was recorded, and is replaced at the next reset', 'reset'],
  64: ['a bad memory page or row could not be recorded or replaced', 'replace'],
  65: [video, 'restart'],
  66: ['the driver made an illegal access', 'update'],
  67: ['the driver made an illegal access', 'update'],
  68: [video, 'restart'],
  69: ['the graphics engine was given an invalid method', 'restart'],
  70: [copy, 'restart'],
  71: [copy, 'restart'],
  72: [copy, 'restart'],
  73: [video, 'restart'],
  74: ['an NVLink of the device failed', 'nvlink'],
  75: [copy, 'restart'],
  76: [copy, 'restart'],
  77: [copy, 'restart'],
  78: ['a virtual GPU could not be started', 'update'],
  79: ['the GPU has fallen off the bus: the driver cannot reach it over PCIe', 'reboot'],
  80: ['corrupted data was sent to the device', 'restart'],
  81: [display, 'update'],
  82: [video, 'restart'],
  83: [video, 'restart'],
  84: [video, 'restart'],
  85: [copy, 'restart'],
  86: [video, 'restart'],
  88: [video, 'restart'],
  89: [video, 'restart'],
  92: ['corrected (single-bit) memory errors come at a high rate', 'watch'],
  93: ['the device’s InfoROM was written more often than provided for', 'watch'],
  94: ['an uncorrectable memory error, contained: only the job that met it was ended', 'restart'],
  95: ['an uncorrectable memory error, not contained: every job on the device is affected', 'reset'],
  96: [video, 'restart'],
  97: [video, 'restart'],
  98: [video, 'restart'],
  99: [video, 'restart'],
  100: [video, 'restart'],
  101: [video, 'restart'],
  102: [video, 'restart'],
  103: [video, 'restart'],
  104: [video, 'restart'],
  105: [video, 'restart'],
  106: ['a test message of the out-of-band management', 'none'],
  109: ['a switch between contexts timed out: a kernel or the device hangs', 'restart'],
  110: ['the device saw a security fault', 'reset'],
  111: [display, 'update'],
  112: [display, 'update'],
  113: [display, 'update'],
  114: [display, 'update'],
  115: [display, 'update'],
  116: [display, 'update'],
  117: [display, 'update'],
  118: [display, 'update'],
  119: ['the device’s system processor (GSP) did not answer the driver in time', 'reset'],
  120: ['the device’s system processor (GSP) failed', 'reset'],
  121: ['the chip-to-chip link between CPU and GPU had a corrected error', 'watch'],
  122: ['the device’s flash memory could not be read', 'update'],
  123: ['the device’s flash memory could not be written', 'update'],
  124: ['the device’s flash memory could not be erased', 'update'],
  125: ['the file system of the InfoROM is damaged', 'replace'],
  136: ['training an NVLink failed', 'nvlink'],
  137: ['a peer refused an access over NVLink, mostly a bug of the job', 'application'],
  140: ['an uncorrectable ECC error that was not recovered from', 'reset'],
  142: ['an uncorrectable ECC error that was not recovered from', 'reset'],
  143: ['the device could not be initialised', 'reset'],
  144: ['NVLink error (SAW unit)', 'nvlink'],
  145: ['NVLink error (RLW unit)', 'nvlink'],
  146: ['NVLink error (TLW unit)', 'nvlink'],
  147: ['NVLink error (TREX unit)', 'nvlink'],
  148: ['NVLink error (NVLPW_CTRL unit)', 'nvlink'],
  149: ['NVLink error (NETIR unit: the link itself)', 'nvlink'],
  150: ['NVLink error (MSE unit)', 'nvlink'],
  151: ['rotating a key of confidential computing failed', 'restart'],
  152: ['the deep-learning accelerator had a memory fault', 'watch'],
  153: ['the deep-learning accelerator timed out', 'watch'],
  154: ['what the device needs to recover has changed', 'follow'],
  155: ['NVLink error that software defines: a link went down', 'nvlink'],
  156: ['a faulty part of the device was retired', 'reset'],
  157: ['a faulty part of the device could not be retired', 'replace'],
  158: ['the device timed out fatally', 'reset'],
  159: ['an error on the coherent link between CPU and GPU', 'watch'],
  160: ['a memory channel was retired', 'watch'],
  161: ['a memory channel could not be retired', 'replace'],
  162: ['power smoothing works again', 'none'],
  163: ['power smoothing was switched off, by heat or a timeout', 'watch'],
  164: ['the power-smoothing circuit nears the end of its life', 'watch'],
  165: ['the power-smoothing circuit has reached the end of its life', 'watch'],
  166: ['traffic was seen before the link was set up for encryption', 'reset'],
  167: ['PCIe timed out fatally', 'reboot'],
  168: ['errors in the write-protected region of device memory', 'reset'],
  169: ['a micro-controller of the device halted', 'reset'],
  170: ['an interrupt was seen in confidential-computing mode', 'watch'],
  171: ['details of an Xid 48: the error is in DRAM', 'reset'],
  172: ['details of an Xid 48: the error is in SRAM', 'reset'],
}

export interface Advice {
  readonly meaning: string | undefined
  readonly fix: string
}

/** A number that is not documented has no meaning that we know. */
export function adviceForXid(code: number): Advice {
  const found = XIDS[code]
  return { meaning: found?.[0], fix: FIXES[found?.[1] ?? 'update'] }
}

/** Ranges of SXids by the unit of the switch; whether one is fatal stands in its line. */
export function adviceForSxid(fatal: boolean): Advice {
  return fatal
    ? {
        meaning: 'an NVSwitch met a fatal error: NVLink traffic of its GPUs stops',
        fix: 'drain the node, look at the fabric manager’s log, reset all GPUs of the node together or reboot',
      }
    : {
        meaning: 'an NVSwitch met an error that it recovers from; a job that used the link may have been ended',
        fix: 'restart the job if it died; if the same link shows it again, have the node checked',
      }
}
