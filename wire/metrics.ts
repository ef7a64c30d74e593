/**
 * The catalogue: every field of every record, once. From it come the zod schemas (`records.ts`), the columns of the
 * wire (`table.ts`, `frame.ts`), the help texts of exporters, the units of charts, and the law that holds the store's
 * tables to it. A record's fields are absent when unknown: absent is never zero.
 */
import { z } from 'zod'
import type { Unit } from '../base/units'
import { signSchema } from './findings'
import { processesSchema } from './processes'

export interface NumberField {
  readonly type: 'number'
  readonly unit: Unit
  readonly counter: boolean
  readonly help: string
  /** The store has it to the nearest whole number. */
  readonly isWhole?: true
}
export interface TextField {
  readonly type: 'text'
  readonly help: string
  /** Written by people and programs of elsewhere: agents take secrets out of it. */
  readonly isSaid?: true
}
export interface JsonField<T> {
  readonly type: 'json'
  readonly schema: z.ZodType<T>
  readonly help: string
  readonly isSaid?: true
}
export type Field = NumberField | TextField | JsonField<unknown>

const gauge = (unit: Unit, help: string): NumberField => ({ type: 'number', unit, counter: false, help })
const counter = (unit: Unit, help: string): NumberField => ({ type: 'number', unit, counter: true, help })
const rate = (help: string): NumberField => ({ ...gauge('bytesPerSecond', help), isWhole: true })
const text = (help: string): TextField => ({ type: 'text', help })
const json = <T>(schema: z.ZodType<T>, help: string): JsonField<T> => ({ type: 'json', schema, help })
const said = (help: string): TextField => ({ type: 'text', help, isSaid: true })

const time = gauge('seconds', 'When, in seconds since the Unix epoch.')
const run = text('The run (training job) that this belongs to.')
const node = text('The host name of the node.')
const rank = gauge(
  'none',
  'The rank (process of the job) that this was seen on; absent when it speaks for the whole job.',
)

const finite = z.number().finite()
export const phaseSchema = z.object({
  seconds: finite.optional(),
  minSeconds: finite.optional(),
  maxSeconds: finite.optional(),
})
export type Phase = z.infer<typeof phaseSchema>

export const modelSchema = z.object({
  name: z.string().optional(),
  layers: finite.optional(),
  hiddenSize: finite.optional(),
  attentionHeads: finite.optional(),
  keyValueHeads: finite.optional(),
  ffnHiddenSize: finite.optional(),
  vocabularySize: finite.optional(),
  sequenceLength: finite.optional(),
  experts: finite.optional(),
  activeExperts: finite.optional(),
  parameters: finite.optional(),
  tiedEmbeddings: z.boolean().optional(),
  dropout: z.boolean().optional(),
  gatedFfn: z.boolean().optional(),
  /** Attention keeps no scores for the backward pass (FlashAttention and its kin). */
  fusedAttention: z.boolean().optional(),
})
export const parallelismSchema = z.object({
  worldSize: finite.optional(),
  tensor: finite.optional(),
  pipeline: finite.optional(),
  data: finite.optional(),
  context: finite.optional(),
  expert: finite.optional(),
  virtualStages: finite.optional(),
  zeroStage: finite.optional(),
  sequenceParallel: z.boolean().optional(),
})
export const batchSchema = z.object({ micro: finite.optional(), global: finite.optional() })
export const hardwareSchema = z.object({
  gpu: z.string().optional(),
  count: finite.optional(),
  /** Peak of one device as measured by a matmul on it (the hook does so on a CPU, which has no data sheet). */
  peakFlopsPerSecond: finite.optional(),
  peakSource: z.string().optional(),
  /** Of one device to other nodes, in each direction: what its share of the node's cards carries. */
  networkBytesPerSecond: finite.optional(),
})
/** `largest`: a single allocation, which is in one of the other parts as well. */
export const memoryPartsSchema = z.array(z.object({ name: z.string(), bytes: finite, largest: z.boolean().optional() }))

export const catalogue = {
  gpu: {
    time,
    node,
    index: gauge('none', 'The device index on its node.'),
    uuid: text('The device UUID.'),
    name: text('The device name as the SMI tool prints it.'),
    vendor: text('nvidia or amd.'),
    source: text('What produced the sample: a tool, an exporter, or synthetic for made-up lines of the demo.'),
    instance: text('The MIG instance that this is of, by profile and number; absent for a whole device.'),
    utilizationRatio: gauge('ratio', 'Share of time in which a kernel ran. A GPU that spins in a collective shows 1.'),
    memoryUtilizationRatio: gauge('ratio', 'Share of time in which device memory was read or written.'),
    memoryUsedBytes: gauge('bytes', 'Device memory in use by all processes, context and libraries included.'),
    memoryTotalBytes: gauge('bytes', 'Device memory in all.'),
    powerWatts: gauge('watts', 'Power drawn.'),
    powerLimitWatts: gauge('watts', 'The enforced power cap.'),
    temperatureCelsius: gauge('celsius', 'Core temperature.'),
    memoryTemperatureCelsius: gauge('celsius', 'Memory temperature.'),
    smClockHertz: gauge('hertz', 'Clock of the streaming multiprocessors.'),
    smClockMaxHertz: gauge('hertz', 'The highest SM clock of this device.'),
    memoryClockHertz: gauge('hertz', 'Memory clock.'),
    throttleReasons: json(z.array(z.string()), 'Why the clocks are held down now.'),
    pcieGeneration: gauge('none', 'PCIe generation of the link now.'),
    pcieWidth: gauge('none', 'PCIe lanes of the link now.'),
    pcieReceiveBytesPerSecond: rate('PCIe bytes that the device received per second.'),
    pcieTransmitBytesPerSecond: rate('PCIe bytes that the device sent per second.'),
    tensorActiveRatio: gauge('ratio', 'Share of cycles in which tensor cores were active.'),
    smActiveRatio: gauge('ratio', 'Share of cycles in which a streaming multiprocessor had a warp.'),
    dramActiveRatio: gauge('ratio', 'Share of cycles in which the memory interface was active.'),
    nvlinkReceiveBytesPerSecond: rate('NVLink bytes received per second.'),
    nvlinkTransmitBytesPerSecond: rate('NVLink bytes sent per second.'),
    eccUncorrectedErrors: counter('count', 'Uncorrected ECC errors since the counters were reset.'),
    eccCorrectedErrors: counter('count', 'Corrected ECC errors since the counters were reset.'),
    remappedRowsUncorrectable: counter('count', 'Rows of device memory remapped after uncorrectable errors.'),
    remappedRowsCorrectable: counter('count', 'Rows of device memory remapped after correctable errors.'),
    migMode: text('Enabled or Disabled.'),
    processes: { ...json(processesSchema, 'Processes that hold memory on the device.'), isSaid: true },
  },
  host: {
    time,
    node,
    cpuCount: gauge('count', 'Logical processors.'),
    cpuUtilizationRatio: gauge('ratio', 'Share of processor time in use, over all processors.'),
    cpuStealRatio: gauge('ratio', 'Share of processor time that the hypervisor gave to others.'),
    cpuIoWaitRatio: gauge('ratio', 'Share of processor time idle with input or output pending.'),
    memoryUsedBytes: gauge('bytes', 'Memory in use: total less available.'),
    memoryTotalBytes: gauge('bytes', 'Memory in all.'),
    swapUsedBytes: gauge('bytes', 'Swap in use.'),
    loadAverage: gauge('none', 'Load average over one minute.'),
    processes: { ...json(processesSchema, 'The processes that hold most memory.'), isSaid: true },
  },
  link: {
    time,
    node,
    device: text('The network device.'),
    port: text('The port of the device, where it has several.'),
    receiveBytes: counter('bytes', 'Bytes received since boot.'),
    transmitBytes: counter('bytes', 'Bytes sent since boot.'),
    rateBitsPerSecond: gauge('bitsPerSecond', 'Speed of the link now.'),
    state: text('up, down, or what the kernel says.'),
    errors: json(z.record(z.string(), finite), 'Error counters by name.'),
  },
  path: {
    time,
    node,
    from: text('A device or NIC of the node.'),
    to: text('Another one.'),
    path: text('How the first reaches the second, as the tool says: NV4, PIX, PXB, PHB, NODE or SYS.'),
  },
  topology: {
    time,
    node: text('The node that is plugged in; absent for a cable between two switches.'),
    device: text('The network device of the node.'),
    port: text('The port of that device, or of `below`.'),
    below: text('The switch that is plugged in, where it is no node.'),
    switch: text('The switch that it is plugged into; with tier accelerator, the domain of the fast links.'),
    switchPort: text('The port of that switch.'),
    tier: text('leaf, spine, core (levels of switches from the nodes up) or accelerator.'),
    rateBitsPerSecond: gauge('bitsPerSecond', 'Speed of the cable.'),
    source: text('Who says so: lldp, ibnetdiscover, slurm, kubernetes or file.'),
  },
  step: {
    time,
    run,
    node,
    rank,
    source: text('The log format that this was read by.'),
    step: gauge('none', 'The optimizer step.'),
    totalSteps: gauge('none', 'The step at which the run will end.'),
    stepSeconds: gauge('seconds', 'Time of one optimizer step.'),
    tokens: gauge('tokens', 'Tokens of this step: of this rank where a rank is given, of the whole job where not.'),
    samples: gauge('count', 'Samples of this step, counted as tokens are.'),
    tokensPerSecond: gauge('tokensPerSecond', 'Tokens per second of the whole job, as the log says.'),
    tokensPerSecondPerGpu: gauge('tokensPerSecond', 'Tokens per second and GPU, as the log says.'),
    samplesPerSecond: gauge('samplesPerSecond', 'Samples per second of the whole job, as the log says.'),
    flopsPerSecondPerGpu: gauge('flopsPerSecond', 'FLOP/s per GPU, as the log says.'),
    mfu: gauge('ratio', 'Model FLOPs utilisation, as the log says.'),
    loss: gauge('none', 'Training loss.'),
    gradientNorm: gauge('none', 'Norm of the gradient before clipping.'),
    learningRate: gauge('none', 'Learning rate.'),
    memoryAllocatedBytes: gauge('bytes', 'Memory held by tensors, as the framework says.'),
    memoryReservedBytes: gauge('bytes', 'Memory held by the framework’s allocator.'),
    memoryPeakBytes: gauge('bytes', 'Highest memory held by tensors since the last report.'),
    memoryCategories: json(
      z.record(z.string(), finite),
      'Bytes by category: parameters, gradients, optimizer, activations.',
    ),
    residentBytes: gauge('bytes', 'Resident host memory of the rank’s process.'),
    cpuSeconds: gauge('seconds', 'Processor time of the program’s own thread, up to the optimizer.'),
    runDelaySeconds: gauge('seconds', 'Up to the optimizer: it was ready to run, and others had its processor.'),
    throttledSeconds: gauge('seconds', 'Up to the optimizer: the quota of its cgroup was used up.'),
    phases: json(
      z.record(z.string(), phaseSchema),
      'Time by phase: data, forward, backward, communication, optimizer, or a framework’s own timers.',
    ),
  },
  config: {
    time,
    run,
    framework: text('The training framework.'),
    model: json(modelSchema, 'The dimensions of the model.'),
    parallelism: json(parallelismSchema, 'Degrees of parallelism.'),
    batch: json(batchSchema, 'Micro-batch and global batch, in samples.'),
    precision: text('fp32, tf32, bf16, fp16 or fp8.'),
    optimizer: text('The optimizer.'),
    recompute: text('none, selective or full.'),
    hardware: json(hardwareSchema, 'The devices that the run uses.'),
  },
  event: {
    time,
    run,
    node,
    rank,
    type: text('oom, host-oom, nccl-timeout, xid, crash, traceback, collector, exit, note (what somebody wrote), …'),
    gpuIndex: gauge('none', 'The device that it is about.'),
    device: text('The PCI address, network interface, server or process that it is about, as it was printed.'),
    pid: gauge('none', 'The process that it is about.'),
    code: gauge('none', 'The number that the driver gives it: of an Xid or SXid.'),
    meaning: text('What it means, in a sentence.'),
    fix: text('What to do next.'),
    message: said('What was printed, or what happened.'),
    requestedBytes: gauge('bytes', 'Bytes that could not be had.'),
    capacityBytes: gauge('bytes', 'Memory of the device in all.'),
    freeBytes: gauge('bytes', 'Memory free on the device.'),
    processBytes: gauge('bytes', 'Memory of this process on the device.'),
    allocatedBytes: gauge('bytes', 'Memory held by tensors.'),
    reservedBytes: gauge('bytes', 'Memory held by the allocator.'),
    reservedUnallocatedBytes: gauge('bytes', 'Held by the allocator, in use by nobody.'),
    exitCode: gauge('none', 'Exit code of the process.'),
    group: text('The group of ranks whose collective it is about.'),
    operation: text('The collective: all-reduce, all-gather, …'),
    collectiveSequence: gauge('none', 'Its place in the order of the group’s collectives.'),
    parts: json(memoryPartsSchema, 'What memory was needed for, as the compiler or the allocator tells it.'),
  },
  line: {
    time,
    run,
    node,
    rank,
    source: text('Which of its logs says so: stdout, stderr or the path of a file.'),
    text: said('The line, without colours and prefixes of launchers; cut where it is long.'),
  },
  collective: {
    time,
    run,
    node,
    rank,
    group: text('The group of ranks.'),
    operation: text('all-reduce, all-gather, …'),
    bytes: gauge('bytes', 'Bytes of the buffer.'),
    seconds: gauge('seconds', 'Time that this rank spent in it.'),
    busBytesPerSecond: gauge('bytesPerSecond', 'Bus bandwidth by NCCL’s convention.'),
    step: gauge('none', 'The optimizer step.'),
  },
  flow: {
    time,
    run,
    node,
    rank,
    step: gauge('none', 'The optimizer step.'),
    local: text('The address that was sent from.'),
    remote: text('The address that was sent to.'),
    bytes: gauge('bytes', 'Bytes of the step that arrived.'),
    busySeconds: gauge(
      'seconds',
      'Time in which some of them were on their way, less what the receiver was not ready for.',
    ),
    retransmissions: gauge('count', 'Segments that were sent again.'),
    roundTripSeconds: gauge('seconds', 'Round trip, smoothed, at the end of the step.'),
    deliveryBytesPerSecond: gauge(
      'bytesPerSecond',
      'Speed at which the last of them arrived, as the kernel estimates it.',
    ),
  },
  probe: {
    time,
    node,
    probe: text('The probing that this is a result of.'),
    peer: text('The node that was sent to, or all of a group with commas between; absent of a node alone.'),
    operation: text('send (streams to the peer), all-reduce or matmul.'),
    device: text('What was multiplied on: cpu, cuda:0, …; of an all-reduce the backend.'),
    name: text('The device’s own name: devices of one name are alike.'),
    dtype: text('Of the numbers that were multiplied.'),
    bytes: gauge('bytes', 'Bytes of one message.'),
    bytesPerSecond: gauge('bytesPerSecond', 'Of the median message.'),
    flopsPerSecond: gauge('flopsPerSecond', 'Of the best matrix product.'),
    roundTripSeconds: gauge('seconds', 'Of one byte, to the peer and back.'),
  },
  finding: {
    time,
    run,
    id: text('The same as long as it is the same thing.'),
    state: text('open or closed.'),
    detector: text('Who found it.'),
    severity: text('info, warning or critical: the worst that it was.'),
    title: text('Who holds the run back.'),
    evidence: text('What was seen, against what.'),
    since: gauge('seconds', 'When it began, in seconds since the Unix epoch.'),
    until: gauge('seconds', 'When it was last seen; of an open one absent.'),
    costSecondsPerStep: gauge('seconds', 'What it costs each step.'),
    costRatio: gauge('ratio', 'Of the step time.'),
    costGpuHours: gauge('none', 'Of all GPUs of the run since it began, in hours.'),
    costMoney: gauge('none', 'The same at the price that the hub was given.'),
    currency: text('Of that price, as it was given.'),
    cause: text('What is behind it, as far as the signs tell.'),
    signs: json(z.array(signSchema), 'What devices, hosts and cards say of it, beside their peers.'),
    ranks: json(z.array(finite), 'The ranks that are blamed.'),
    nodes: json(z.array(z.string()), 'The nodes that are blamed.'),
    links: json(z.array(z.string()), 'The links that are blamed.'),
    nextStep: text('What to do next.'),
    provenance: text('measured, derived, estimated or predicted.'),
  },
  run: {
    time,
    run,
    node,
    name: said('The name that people gave it.'),
    command: said('The command line.'),
    state: text('started, running or ended.'),
    pid: gauge('none', 'Process id of the launcher.'),
    exitCode: gauge('none', 'Exit code, once ended; 128 + signal where a signal ended it.'),
    synthetic: text('Says what of this run is made up; absent for a real one.'),
  },
  rank: {
    time,
    run,
    node,
    rank,
    localRank: gauge('none', 'The rank on its node.'),
    worldSize: gauge('none', 'Ranks in all.'),
    pid: gauge('none', 'Process id.'),
    gpuIndex: gauge('none', 'The device that it drives; absent on a CPU.'),
    gpuUuid: text('The UUID of that device.'),
    device: text('cuda, cpu, …'),
    coordinates: json(z.record(z.string(), finite), 'dp, tp, pp, cp, ep.'),
    state: text('started or ended.'),
  },
  collector: {
    time,
    node,
    name: text('The collector.'),
    state: text('ok, absent (nothing to read here) or failed.'),
    message: said('Why it is absent or failed.'),
    fix: text('What to do about it.'),
    durationSeconds: gauge('seconds', 'Time of the last collection.'),
    failures: counter('count', 'Failed collections since the agent started.'),
    linesRead: counter('count', 'Lines understood since the agent started.'),
    linesUnread: counter('count', 'Lines not understood since the agent started.'),
  },
} as const satisfies Record<string, Record<string, Field>>

export type Kind = keyof typeof catalogue
export const kinds = Object.keys(catalogue) as readonly Kind[]
export type FieldName<K extends Kind> = Extract<keyof (typeof catalogue)[K], string>

const entries = new Map(
  Object.entries(catalogue).map(([kind, of]) => [kind, Object.entries(of as Record<string, Field>)]),
)

/** The fields of a kind in the order of the catalogue, which is the order of columns everywhere. */
export const fieldsOf = (kind: Kind): readonly (readonly [name: string, field: Field])[] => entries.get(kind) ?? []

/** The standard phases of a step; frameworks' own timers keep their names beside them. */
export const PHASES = ['data', 'forward', 'backward', 'communication', 'optimizer'] as const
