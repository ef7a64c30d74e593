/**
 * Records of what `nvidia-smi -q` says of each device, from the names that its XML and its text have had since driver 384.
 * A MIG instance is not a device: its memory is part of its GPU's. It has a record of its own: with its UUID where one is
 * printed, and without an index, which belongs to the GPU; else by the GPU and the numbers of the instance.
 */
import type { RecordOf, WireRecord } from '../../wire/records'
import { instanceName, moment, quantity, word } from './cells'
import { REASONS } from '../../wire/throttle-reasons'
import { all, at, within, type Branch } from './tree'

type Gpu = RecordOf<'gpu'>
type Paths = readonly string[]

const NUMBERS: readonly (readonly [keyof Gpu, Paths])[] = [
  ['utilizationRatio', ['utilization/gpu_util', 'utilization/gpu']],
  ['memoryUtilizationRatio', ['utilization/memory_util', 'utilization/memory']],
  ['memoryUsedBytes', ['fb_memory_usage/used']],
  ['memoryTotalBytes', ['fb_memory_usage/total']],
  [
    'powerWatts',
    ['gpu_power_readings', 'power_readings'].flatMap(group =>
      ['power_draw', 'average_power_draw', 'instant_power_draw', 'instantaneous_power_draw'].map(n => `${group}/${n}`),
    ),
  ],
  [
    'powerLimitWatts',
    ['gpu_power_readings', 'power_readings'].flatMap(group =>
      ['enforced_power_limit', 'current_power_limit', 'power_limit', 'gpu_ceiling_power_limit/current_power_limit'].map(
        name => `${group}/${name}`,
      ),
    ),
  ],
  ['temperatureCelsius', ['temperature/gpu_temp', 'temperature/gpu_current_temp', 'temperature/gpu']],
  ['memoryTemperatureCelsius', ['temperature/memory_temp', 'temperature/memory_current_temp']],
  ['smClockHertz', ['clocks/sm_clock', 'clocks/sm']],
  ['smClockMaxHertz', ['max_clocks/sm_clock', 'max_clocks/sm']],
  ['memoryClockHertz', ['clocks/mem_clock', 'clocks/memory']],
  ['pcieGeneration', ['pci/pci_gpu_link_info/pcie_gen/current_link_gen', 'pci/gpu_link_info/pcie_generation/current']],
  ['pcieWidth', ['pci/pci_gpu_link_info/link_widths/current_link_width', 'pci/gpu_link_info/link_width/current']],
]

/** The first of the paths that holds a number. */
function numberAt(of: Branch, paths: Paths): number | undefined {
  for (const path of paths) {
    const value = quantity(at(of, path)?.text)
    if (value !== undefined) return value
  }
  return undefined
}

const knownReasons = new Map<string, string>(REASONS.map(([, name]) => [name, name]))
const OTHER_NAMES: Record<string, string> = { idle: 'gpu_idle', display_clocks_setting: 'display_clock_setting' }

/** Names of the active reasons; undefined where nothing is said of any. */
function reasonsOf(gpu: Branch): string[] | undefined {
  const group = at(gpu, 'clocks_event_reasons') ?? at(gpu, 'clocks_throttle_reasons')
  const said = [...within(group)].filter(({ text }) => text === 'Active' || text === 'Not Active')
  if (said.length === 0) return undefined
  return said
    .filter(({ text }) => text === 'Active')
    .map(({ name }) => name.replace(/^clocks_(?:event|throttle)_reason_/, ''))
    .map(name => OTHER_NAMES[name] ?? name)
    .filter(name => knownReasons.has(name))
}

/** Errors since the driver was loaded: the printed total of older drivers, the sum over SRAM and DRAM of newer ones. */
function eccOf(gpu: Branch, bits: string, kind: 'correctable' | 'uncorrectable'): number | undefined {
  const group = at(gpu, 'ecc_errors/volatile')
  if (group === undefined) return undefined
  const total = numberAt(group, [`${bits}/total`])
  if (total !== undefined) return total
  const counts = group.children
    .filter(({ name }) => new RegExp(`^[sd]ram_${kind}(?:_|$)`).test(name))
    .map(({ text }) => quantity(text))
    .filter(value => value !== undefined)
  return counts.length === 0 ? undefined : counts.reduce((sum, value) => sum + value, 0)
}

/** Undefined where the device does not say; empty where it says that there is none. */
function processesOf(gpu: Branch): Gpu['processes'] {
  const group = at(gpu, 'processes')
  if (group === undefined) return undefined
  // The text form has its processes as `Process ID : 42` with the rest below; the XML as `process_info`.
  const found = [...all(group, 'process_info'), ...all(group, 'process_id')].flatMap(info => {
    const pid = quantity(info.name === 'process_id' ? info.text : at(info, 'pid')?.text)
    if (pid === undefined) return []
    const name = word((at(info, 'process_name') ?? at(info, 'name'))?.text)
    const memoryUsedBytes = numberAt(info, ['used_memory', 'used_gpu_memory'])
    return [
      { pid, ...(name === undefined ? {} : { name }), ...(memoryUsedBytes === undefined ? {} : { memoryUsedBytes }) },
    ]
  })
  return found.length > 0 || group.text === '' || group.text === 'None' ? found : undefined
}

const uuidOf = (text: string | undefined) => (/^(?:GPU|MIG)-\S{1,80}$/.test(text ?? '') ? text : undefined)

function gpuRecord(gpu: Branch, base: Gpu): Gpu {
  const record: Gpu = { ...base }
  record.uuid = uuidOf((at(gpu, 'uuid') ?? at(gpu, 'gpu_uuid'))?.text)
  record.name = word(at(gpu, 'product_name')?.text)
  for (const [field, paths] of NUMBERS) Object.assign(record, { [field]: numberAt(gpu, paths) })
  record.throttleReasons = reasonsOf(gpu)
  record.eccCorrectedErrors = eccOf(gpu, 'single_bit', 'correctable')
  record.eccUncorrectedErrors = eccOf(gpu, 'double_bit', 'uncorrectable')
  record.migMode = word((at(gpu, 'mig_mode/current_mig') ?? at(gpu, 'mig_mode/current'))?.text)
  record.processes = processesOf(gpu)
  return record
}

function instanceRecords(gpu: Branch, device: Gpu): Gpu[] {
  const { index, uuid: ofDevice, ...base } = device
  // In the text they stand beside the mode, in the XML in a list of their own.
  const instances = [...all(at(gpu, 'mig_devices'), 'mig_device'), ...all(gpu, 'mig_device')]
  return instances.flatMap(instance => {
    const uuid = uuidOf((at(instance, 'uuid') ?? at(instance, 'mig_device_uuid'))?.text)
    const [group, compute] = ['gpu_instance_id', 'compute_instance_id'].map(id => numberAt(instance, [id]))
    if (uuid === undefined && group === undefined) return []
    const whose = uuid === undefined ? { index, uuid: ofDevice, instance: instanceName(group, compute) } : { uuid }
    return [
      {
        ...base,
        ...whose,
        memoryUsedBytes: numberAt(instance, ['fb_memory_usage/used', 'shared_fb_memory_usage/used']),
        memoryTotalBytes: numberAt(instance, ['fb_memory_usage/total', 'shared_fb_memory_usage/total']),
      },
    ]
  })
}

/**
 * Records of the documents below `root`. Devices stand in the order of their index; it is known where all of those
 * attached are listed.
 */
export function queryRecords(root: Branch): WireRecord[] {
  return all(root, 'nvidia_smi_log').flatMap(log => {
    const devices = all(log, 'gpu')
    const complete = quantity(at(log, 'attached_gpus')?.text) === devices.length
    const base: Gpu = { kind: 'gpu', time: moment(at(log, 'timestamp')?.text), vendor: 'nvidia', source: 'nvidia-smi' }
    return devices
      .filter(gpu => gpu.children.length > 0)
      .flatMap((gpu, place) => {
        const record = gpuRecord(gpu, complete ? { ...base, index: place } : base)
        return [record, ...instanceRecords(gpu, { ...base, index: record.index, uuid: record.uuid })]
      })
  })
}
