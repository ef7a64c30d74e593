/**
 * OpenTelemetry's semantic conventions for hardware and systems, as an OpenTelemetry collector sends them:
 * https://opentelemetry.io/docs/specs/semconv/hardware/gpu/ and https://opentelemetry.io/docs/specs/semconv/system/system-metrics/
 */
import {
  add,
  indexOf,
  linkError,
  processorShares,
  to,
  told,
  type Entity,
  type Exporter,
  type Rule,
  type Sample,
} from './exporter'

/** A rule for those data points alone of which an attribute is as wanted. */
const where =
  (holds: (labels: Sample['labels']) => boolean, rule: Rule): Rule =>
  (group, sample) => {
    if (holds(sample.labels)) rule(group, sample)
  }
const isGpu = (labels: Sample['labels']) => labels['hw.type'] === 'gpu'
/** Of the tasks of a GPU only the general one: encoders and decoders are other engines. */
const isGeneral = (labels: Sample['labels']) => (labels['hw.gpu.task'] ?? 'general') === 'general'
const errorKind = (labels: Sample['labels']) => labels['error.type'] ?? ''

const GPU: Readonly<Record<string, Rule>> = {
  'hw.gpu.utilization': where(isGeneral, to('utilizationRatio')),
  'hw.gpu.memory.usage': to('memoryUsedBytes'),
  'hw.gpu.memory.limit': to('memoryTotalBytes'),
  'hw.power': where(isGpu, to('powerWatts')),
  'hw.temperature': where(isGpu, to('temperatureCelsius')),
  'hw.errors': (group, sample) => {
    if (/^uncorrect/.test(errorKind(sample.labels))) to('eccUncorrectedErrors')(group, sample)
    else if (/^correct/.test(errorKind(sample.labels))) to('eccCorrectedErrors')(group, sample)
  },
}

/** Names of the states of processors that differ from the kernel's. */
const MODES: Readonly<Record<string, string>> = { wait: 'iowait', interrupt: 'irq' }
const stateOf = (labels: Sample['labels']) => labels['cpu.mode'] ?? labels['system.cpu.state'] ?? labels['state'] ?? ''

const HOST: Readonly<Record<string, Rule>> = {
  'system.cpu.time': (group, sample) => {
    const mode = stateOf(sample.labels)
    add(`cpu.${MODES[mode] ?? mode}`)(group, sample)
  },
  'system.cpu.logical.count': to('cpuCount'),
  'system.cpu.load_average.1m': to('loadAverage'),
  'system.memory.limit': to('memoryTotalBytes'),
  'system.memory.usage': where(
    labels => (labels['system.memory.state'] ?? labels['state']) === 'used',
    to('memoryUsedBytes'),
  ),
  'system.paging.usage': where(labels => (labels['system.paging.state'] ?? labels['state']) === 'used', add('swap')),
}

const byDirection = (receive: Rule, transmit: Rule): Rule => {
  return (group, sample) => {
    const direction = sample.labels['network.io.direction'] ?? sample.labels['direction']
    if (direction === 'receive') receive(group, sample)
    else if (direction === 'transmit') transmit(group, sample)
  }
}
const NETWORK: Readonly<Record<string, Rule>> = {
  'system.network.io': byDirection(to('receiveBytes'), to('transmitBytes')),
  'system.network.errors': byDirection(linkError('receiveErrors'), linkError('transmitErrors')),
  'system.network.dropped': byDirection(linkError('receiveDropped'), linkError('transmitDropped')),
  'system.network.packet.dropped': byDirection(linkError('receiveDropped'), linkError('transmitDropped')),
}

function gpuOf(labels: Sample['labels']): Entity | undefined {
  const id = told(labels['hw.id'])
  const index = indexOf(labels['index'] ?? labels['gpu.index'] ?? id)
  if (index === undefined && id === undefined) return undefined
  const uuid = id !== undefined && /^(?:GPU|MIG)-/.test(id) ? id : told(labels['gpu.uuid'])
  const name = told(labels['hw.model'] ?? labels['hw.name'] ?? labels['name'])
  const vendor = told(labels['hw.vendor'])?.toLowerCase()
  return {
    kind: 'gpu',
    key: `${index ?? ''} ${index === undefined ? (id ?? '') : ''}`,
    node: told(labels['node']),
    fields: { index, uuid, name, vendor: vendor !== undefined && /^(?:nvidia|amd)$/.test(vendor) ? vendor : undefined },
  }
}

export const semanticConventions: Exporter = {
  name: 'opentelemetry',
  origin: 'https://opentelemetry.io/docs/specs/semconv/hardware/gpu/',
  source: 'opentelemetry',
  namesNode: true,
  owns: metric => /^(?:hw|system)\./.test(metric),
  entityOf({ name, labels }) {
    if (name in GPU) return gpuOf(labels)
    const node = told(labels['node'])
    if (name in HOST) return { kind: 'host', key: '', node, fields: {} }
    const device = told(labels['network.interface.name'] ?? labels['device'])
    return device === undefined || device === 'lo' ? undefined : { kind: 'link', key: device, node, fields: { device } }
  },
  ruleOf: metric => GPU[metric] ?? HOST[metric] ?? NETWORK[metric],
  derive({ fields, figures }, before) {
    Object.assign(fields, processorShares(figures, before))
    const swap = figures.get('swap')
    if (swap !== undefined) fields.swapUsedBytes = swap
  },
}
