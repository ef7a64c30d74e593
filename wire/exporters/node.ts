/** node_exporter: processors, memory, network interfaces and InfiniBand ports, in base units. */
import { add, keep, linkError, processorShares, to, told, type Exporter, type Rule } from './exporter'

/**
 * Interfaces whose bytes cross another one that is listed as well (bridges, bonds, tunnels, ends of containers), and the
 * loopback: counting them would count twice.
 */
const VIRTUAL =
  /^(?:lo|veth|docker|br-|virbr|cni|cali|flannel|cilium|lxc|tap|tun|wg|bond|team|dummy|kube|nodelocaldns|vxlan|ovs|gre|sit|ip6tnl|tunl)|[.@]/

const HOST: Readonly<Record<string, Rule>> = {
  node_cpu_seconds_total: (group, sample) => {
    const mode = sample.labels['mode'] ?? ''
    add(`cpu.${mode}`)(group, sample)
    if (mode === 'idle') group.figures.set('cpus', (group.figures.get('cpus') ?? 0) + 1)
  },
  node_load1: to('loadAverage'),
  node_memory_MemTotal_bytes: keep('memory.total'),
  node_memory_MemAvailable_bytes: keep('memory.available'),
  node_memory_SwapTotal_bytes: keep('swap.total'),
  node_memory_SwapFree_bytes: keep('swap.free'),
}

const ETHERNET: Readonly<Record<string, Rule>> = {
  node_network_receive_bytes_total: to('receiveBytes'),
  node_network_transmit_bytes_total: to('transmitBytes'),
  node_network_receive_errs_total: linkError('receiveErrors'),
  node_network_receive_drop_total: linkError('receiveDropped'),
  node_network_receive_fifo_total: linkError('receiveFifo'),
  node_network_receive_frame_total: linkError('receiveFrame'),
  node_network_transmit_errs_total: linkError('transmitErrors'),
  node_network_transmit_drop_total: linkError('transmitDropped'),
  node_network_transmit_fifo_total: linkError('transmitFifo'),
  node_network_transmit_colls_total: linkError('transmitCollisions'),
  node_network_transmit_carrier_total: linkError('transmitCarrier'),
  // The kernel's speed of -1 (not known) comes as a negative number of bytes.
  node_network_speed_bytes: (group, sample) => {
    if (sample.value > 0) to('rateBitsPerSecond', 8)(group, sample)
  },
  node_network_info: ({ fields }, { labels, value }) => {
    if (value === 1) fields.state = told(labels['operstate'])
  },
}

/** Logical states of a port, InfiniBand specification: https://docs.kernel.org/admin-guide/abi-stable-files.html */
const STATES: Readonly<Record<number, string>> = { 1: 'down', 2: 'init', 3: 'armed', 4: 'up', 5: 'active_defer' }

/** Error counters under the names that the kernel's files of the same counters have in records. */
const INFINIBAND: Readonly<Record<string, Rule>> = {
  node_infiniband_port_data_received_bytes_total: to('receiveBytes'),
  node_infiniband_port_data_transmitted_bytes_total: to('transmitBytes'),
  node_infiniband_rate_bytes_per_second: to('rateBitsPerSecond', 8),
  node_infiniband_state_id: ({ fields }, { value }) => {
    fields.state = STATES[value]
  },
  node_infiniband_symbol_error_total: linkError('symbolError'),
  node_infiniband_link_error_recovery_total: linkError('linkErrorRecovery'),
  node_infiniband_link_downed_total: linkError('linkDowned'),
  node_infiniband_port_errors_received_total: linkError('portRcvErrors'),
  node_infiniband_port_receive_remote_physical_errors_total: linkError('portRcvRemotePhysicalErrors'),
  node_infiniband_port_receive_switch_relay_errors_total: linkError('portRcvSwitchRelayErrors'),
  node_infiniband_port_discards_transmitted_total: linkError('portXmitDiscards'),
  node_infiniband_port_transmit_wait_total: linkError('portXmitWait'),
  node_infiniband_port_constraint_errors_transmitted_total: linkError('portXmitConstraintErrors'),
  node_infiniband_port_constraint_errors_received_total: linkError('portRcvConstraintErrors'),
  node_infiniband_local_link_integrity_errors_total: linkError('localLinkIntegrityErrors'),
  node_infiniband_excessive_buffer_overrun_errors_total: linkError('excessiveBufferOverrunErrors'),
  node_infiniband_vl15_dropped_total: linkError('VL15Dropped'),
}

export const nodeExporter: Exporter = {
  name: 'node-exporter',
  origin: 'https://github.com/prometheus/node_exporter',
  owns: metric => metric.startsWith('node_'),
  entityOf({ name, labels }) {
    const node = told(labels['nodename'])
    if (name in HOST) return { kind: 'host', key: '', node, fields: {} }
    const device = told(labels['device'])
    if (device === undefined || (name in ETHERNET && VIRTUAL.test(device))) return undefined
    const port = name.startsWith('node_infiniband_') ? told(labels['port']) : undefined
    return { kind: 'link', key: `${device} ${port ?? ''}`, node, fields: { device, port } }
  },
  ruleOf: metric => HOST[metric] ?? ETHERNET[metric] ?? INFINIBAND[metric],
  derive({ fields, figures }, before) {
    const less = (all: number | undefined, part: number | undefined) =>
      all === undefined || part === undefined ? undefined : all - part
    const read = (name: string) => figures.get(name)
    if (figures.size === 0) return
    Object.assign(fields, {
      cpuCount: read('cpus'),
      memoryTotalBytes: read('memory.total'),
      memoryUsedBytes: less(read('memory.total'), read('memory.available')),
      swapUsedBytes: less(read('swap.total'), read('swap.free')),
      ...processorShares(figures, before),
    })
  },
}
