/** What to do about a figure that is not as it should be, for docs/metrics.md: every figure that is exported has its own. */
import type { FieldName } from '../wire/metrics'

const CAPPED = 'Compare with the peers’; raise the cap (nvidia-smi -pl), or accept its share of the peak.'
const ECC = 'Drain the node, reset the device; exchange it where it comes again.'
const ROWS = 'Reset the device at the next chance; exchange it where rows can be remapped no more.'
const LINK_BUSY =
  'At its rated speed for long: the plan communicates too much for it; see Fabric and `plumbline predict --search`.'
const MEMORY_FULL = 'Close to all: see Memory of the run for what would save some, before it runs out.'

export const NODE_ADVICE = {
  gpu: {
    utilizationRatio:
      'Low: look at data loading and at waits (Budget). 1 alone says little: a wait in a collective counts as well.',
    memoryUtilizationRatio: 'High with low MFU: kernels are bound by memory; fuse them, or use larger batches.',
    memoryUsedBytes: MEMORY_FULL,
    memoryTotalBytes: 'Less than the peers’: another model, or an instance of MIG; set its batch by it.',
    powerWatts: 'Far below the peers’ at equal work: it waits; at its cap: its clocks fall.',
    powerLimitWatts: CAPPED,
    temperatureCelsius: 'Above 87: look at fans, air and power; its clocks fall, and every rank waits for it.',
    memoryTemperatureCelsius: 'Above 95: as for the core; memory slows first.',
    smClockHertz: 'Below the peers’ under load: see throttleReasons, power and temperature of this device.',
    smClockMaxHertz: 'Lower than the peers’: an application clock is set (nvidia-smi -rac, -rgc).',
    memoryClockHertz: 'Below the peers’: an application clock is set, or the device idles.',
    pcieGeneration: 'Below the slot’s under load: reseat the card, look at BIOS and riser.',
    pcieWidth: 'Fewer lanes than the peers’: reseat the card, look at riser and slot.',
    pcieReceiveBytesPerSecond: 'High in the step: batches or offloaded states are copied; pin memory, copy ahead.',
    pcieTransmitBytesPerSecond:
      'High in the step: states or traffic leave through the host; look at offload and GPUDirect.',
    tensorActiveRatio:
      'Low with a busy device: no tensor cores in use; look at the precision and at sizes that are multiples of 8.',
    smActiveRatio: 'Low: kernels too small or gaps between them; larger micro-batches, CUDA graphs, a profile.',
    dramActiveRatio: 'Near 1 with low MFU: bound by memory; fuse, recompute less, larger matrices.',
    nvlinkReceiveBytesPerSecond:
      'None where tensor parallelism runs: traffic takes another way; `nvidia-smi topo -m`, NCCL_DEBUG=INFO.',
    nvlinkTransmitBytesPerSecond: 'As of what is received.',
    eccUncorrectedErrors: ECC,
    eccCorrectedErrors: 'Many an hour on one device: watch it; uncorrected ones follow often.',
    remappedRowsUncorrectable: ROWS,
    remappedRowsCorrectable: ROWS,
  },
  host: {
    cpuCount: 'Fewer than the peers’: a cgroup or the BIOS holds some back.',
    cpuUtilizationRatio: 'Near 1: loaders and collectives of the CPU wait; fewer workers, or another node for them.',
    cpuStealRatio: 'Above 0.02: the hypervisor gives processors to others; move the machine.',
    cpuIoWaitRatio: 'High: reading data or writing checkpoints; a local cache, asynchronous checkpoints.',
    memoryUsedBytes:
      'Close to all: the kernel kills soon; fewer workers or prefetched batches, see the host’s processes.',
    memoryTotalBytes: 'Less than the peers’: a module is gone; see the kernel log.',
    swapUsedBytes: 'Growing: as of memory in use; a rank that swaps holds all back.',
    loadAverage: 'Above the processors: others run here; see the host’s processes.',
  },
  link: {
    receiveBytes: LINK_BUSY,
    transmitBytes: LINK_BUSY,
    rateBitsPerSecond: 'Below the port’s: cable or transceiver; look at both ends, then exchange.',
  },
  collector: {
    durationSeconds: 'Close to its interval: the source is slow; raise --interval-ms.',
    failures: '`plumbline doctor` there says why, and what to do.',
    linesRead: 'Standing still while the job runs: is it the log of this run?',
    linesUnread: 'Growing: teach it the form (`logFormats` in plumbline.yaml), or send a sample as an issue.',
  },
} as const satisfies { [K in 'gpu' | 'host' | 'link' | 'collector']: Partial<Record<FieldName<K>, string>> }

export const RUN_ADVICE: Readonly<Record<string, string>> = {
  plumbline_run_step:
    'Standing still: the run hangs or is at a checkpoint; see Events, then the stacks of its ranks (py-spy dump).',
  plumbline_run_steps_planned: 'Not as meant: the settings of the run.',
  plumbline_run_loss:
    'A jump or NaN: see the gradient’s norm, learning rate and the batch of that step; go back to the checkpoint before.',
  plumbline_run_step_seconds:
    'Above its own past, or above what is predicted: Budget says which part grew, Ranks on whom.',
  plumbline_run_tokens_per_second: 'As of the step’s time; where that is the same, batches hold fewer tokens.',
  plumbline_run_flops_per_second_per_gpu: 'Below what is predicted: Budget says where the rest goes.',
  plumbline_run_mfu_ratio: 'The same, over the peak: Plan and `plumbline predict --search` show plans that reach more.',
  plumbline_run_sync_wait_seconds: 'High: somebody comes late; Sync names the rank, or the link.',
  plumbline_run_last_seen_timestamp_seconds:
    'Old: the agent or its node is gone, or the hub cannot be reached from there.',
}

/** Of what a rank or the log says of a step; these are on the page and in the API, not exported. */
export const STEP_ADVICE: Partial<Record<FieldName<'step'>, string>> = {
  stepSeconds: RUN_ADVICE['plumbline_run_step_seconds'] ?? '',
  tokensPerSecond: RUN_ADVICE['plumbline_run_tokens_per_second'] ?? '',
  mfu: RUN_ADVICE['plumbline_run_mfu_ratio'] ?? '',
  loss: RUN_ADVICE['plumbline_run_loss'] ?? '',
  gradientNorm: 'Growing over steps: lower the learning rate, clip; a spike alone: look at that batch.',
  memoryReservedBytes: 'Far above what tensors hold: fragments; PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True.',
  memoryPeakBytes: MEMORY_FULL,
  residentBytes: 'Growing steadily: a leak of the loader or of kept tensors; the kernel kills in the end.',
  runDelaySeconds: 'High on one rank: others use its processors; pin ranks, move the others away.',
  throttledSeconds: 'Above 0: the quota of its cgroup is too small; raise the limit of processors.',
}
