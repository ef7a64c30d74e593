/**
 * `ethtool -S`: statistics of a card under the names of its driver, brought to few names by what they mean. Drivers: mlx5
 * (https://docs.kernel.org/networking/device_drivers/ethernet/mellanox/mlx5/counters.html), bnxt_en, ice, i40e, iavf, ena,
 * sfc, dpaa2, ionic, virtio_net. Names that nobody would act on stay out. Counters of the port come before those of the
 * host’s own function, as they hold RDMA traffic too.
 */

export type Statistics = ReadonlyMap<string, number>

const LINE = /^\s*((?:\[\w{1,12}\]:? ?)?[A-Za-z][^:]{0,120}?): (-?\d{1,20})$/
/** The second is of `--groups`: names of the IEEE’s standards, the same for every driver. */
const HEADING = /^(?:NIC statistics|Standard stats for (\S{1,64})):$/

export interface StatisticsText {
  readonly statistics: Statistics
  readonly heading: boolean
  /** The interface, where a heading names it. */
  readonly device: string | undefined
  readonly linesRead: number
  readonly linesUnread: number
}

/** A name that comes twice keeps its first figure. */
export function parseStatistics(text: string): StatisticsText {
  const statistics = new Map<string, number>()
  let device: string | undefined
  const counts = { heading: false, linesRead: 0, linesUnread: 0 }
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    const match = line.length < 200 ? LINE.exec(line) : null
    if (match !== null) {
      const name = match[1] ?? ''
      const value = Number(match[2])
      if (value >= 0 && !statistics.has(name)) statistics.set(name, value)
      counts.linesRead += 1
      continue
    }
    const heading = HEADING.exec(line.trim())
    if (heading === null) counts.linesUnread += 1
    else {
      counts.heading = true
      counts.linesRead += 1
      device ??= heading[1]
    }
  }
  return { statistics, device, ...counts }
}

/** Names in the order in which they are looked for: the first that is there counts. `N` stands for a priority of 0 to 7. */
const ERRORS: Readonly<Record<string, readonly string[]>> = {
  receiveErrors: ['rx_stat_err', 'frames_rx_bad_all', 'port_rx_bad', '[mac] rx frame errors', 'rx_errors'],
  transmitErrors: [
    'tx_stat_error',
    'frames_tx_bad',
    '[mac] tx frame errors',
    'port.tx_errors',
    'tx_errors.nic',
    'tx_errors',
  ],
  crcErrors: [
    ...['rx_crc_errors_phy', 'port.rx_crc_errors', 'rx_crc_errors.nic', 'rx_fcs_err_frames', 'frames_rx_bad_fcs'],
    ...['rx_eth_crc_err', 'rx_crc_errors', 'rx_crc_err'],
    'rx_fcs_errors',
    'mac_rx_fcs_err_pkt_num',
    'mac.rx_frame_check_sequence_errors',
    'eth-mac-FrameCheckSequenceErrors',
  ],
  symbolErrors: [
    'rx_symbol_err_phy',
    'rx_pcs_symbol_err',
    'symbol_error_count',
    'rx_symbol_errors',
    'mac_rx_symbol_err_pkt_num',
    'eth-phy-SymbolErrorDuringCarrier',
  ],
  receiveDiscards: [
    ...['rx_discards_phy', 'rx_stat_discard', 'port.rx_dropped', 'rx_dropped.nic', 'port_rx_nodesc_drops'],
    ...['frames_rx_dropped', '[mac] rx frame discards', '[hw] rx discarded frames', 'rx_discards'],
  ],
  receiveOutOfBuffer: [
    'rx_out_of_buffer',
    'rx_total_ring_discards',
    '[hw] rx nobuffer discards',
    'hw_rx_missed_errors',
    'rx_missed_errors',
  ],
  transmitDiscards: [
    ...['tx_discards_phy', 'tx_stat_discard', 'port.tx_dropped_link_down', 'tx_dropped_link_down.nic'],
    ...['[hw] tx discarded frames', 'tx_discards'],
  ],
  receiveDropped: ['rx_dropped', 'hw_rx_dropped'],
  transmitDropped: ['tx_dropped', 'hw_tx_dropped'],
  receivePause: [
    ...['rx_pause_ctrl_phy', 'rx_pause_frames', 'port.link_xoff_rx', 'link_xoff_rx.nic', 'port_rx_pause'],
    ...['frames_rx_pause', '[mac] rx pause', 'rx_pause'],
    'rx_flow_control_xoff',
    'rx_xoff_pause_rcvd',
    'mac_rx_mac_pause_num',
    'mac.rx_pause_mac_ctrl_frames',
  ],
  transmitPause: [
    ...['tx_pause_ctrl_phy', 'tx_pause_frames', 'port.link_xoff_tx', 'link_xoff_tx.nic', 'port_tx_pause'],
    ...['frames_tx_pause', '[mac] tx b-pause', 'tx_pause'],
    'tx_flow_control_xoff',
    'tx_xoff_sent',
    'mac_tx_mac_pause_num',
    'mac.tx_pause_mac_ctrl_frames',
  ],
  receivePfc: ['rx_pfc_frames', 'frames_rx_pripause'],
  transmitPfc: ['tx_pfc_frames', 'frames_tx_pripause'],
  receivePfcN: [
    ...['rx_prioN_pause', 'rx_pfc_ena_frames_priN', 'port.rx_priority_N_xoff_rx', 'port.rx_priority_N_xoff'],
    ...['rx_priority_N_xoff.nic', 'rx_priority_N_xoff_rx.nic'],
    'rx_pb_N_pxoff',
    'rx_pause_prio_N',
    'rx_pppN_frames',
    'mac_rx_pfc_priN_pkt_num',
    'mac.rx_pause_frames_classN',
  ],
  transmitPfcN: [
    ...['tx_prioN_pause', 'tx_pfc_ena_frames_priN', 'port.tx_priority_N_xoff_tx', 'port.tx_priority_N_xoff'],
    ...['tx_priority_N_xoff.nic', 'tx_priority_N_xoff_tx.nic'],
    'tx_pb_N_pxoff',
    'tx_pause_prio_N',
    'tx_pppN_frames',
    'mac_tx_pfc_priN_pkt_num',
    'mac.tx_pause_frames_classN',
  ],
  receivePriorityDiscardsN: ['rx_prioN_buf_discard', 'rx_prioN_discards', 'rx_discard_packets_cosN'],
  pauseStorms: ['tx_pause_storm_error_events'],
  fecCorrectedBlocks: ['rx_fec_corrected_blocks', 'fec_corrected_blocks', 'rx_corrected_blocks_phy'],
  fecUncorrectableBlocks: ['rx_fec_uncorrectable_blocks', 'fec_uncorrectable_blocks', 'rx_uncorrectable_blocks_phy'],
  linkDowned: ['link_down_events_phy', 'link_down_events', 'link_down_count', 'port_link_down_count'],
  transmitTimeouts: ['port.tx_timeout', 'tx_timeout', 'tx_timeout_count'],
  ecnMarked: ['rx_ecn_mark', 'rx_ecn_marked_pkts'],
  receiveBandwidthLimited: ['bw_in_allowance_exceeded'],
  transmitBandwidthLimited: ['bw_out_allowance_exceeded'],
  packetRateLimited: ['pps_allowance_exceeded'],
}
const BYTES = {
  receive: [
    'rx_bytes_phy',
    'port.rx_bytes',
    'rx_bytes.nic',
    'port_rx_bytes',
    'octets_rx_ok',
    'rx_total_bytes',
    '[hw] rx bytes',
    'rx_octets',
    'mac.rx_octets',
    'eth-mac-OctetsReceivedOK',
    'rx_bytes',
  ],
  transmit: [
    'tx_bytes_phy',
    'port.tx_bytes',
    'tx_bytes.nic',
    'port_tx_bytes',
    'octets_tx_ok',
    'tx_total_bytes',
    '[hw] tx bytes',
    'tx_octets',
    'mac.tx_octets',
    'eth-mac-OctetsTransmittedOK',
    'tx_bytes',
  ],
}
/** A driver without a total counts each queue: ena, virtio_net, gve. */
const QUEUE_BYTES = {
  receive: /^(?:queue_\d{1,4}_rx_bytes|rx_queue_\d{1,4}_bytes|rx\d{1,4}_bytes|rx_bytes\[\d{1,4}\])$/,
  transmit: /^(?:queue_\d{1,4}_tx_bytes|tx_queue_\d{1,4}_bytes|tx\d{1,4}_bytes|tx_bytes\[\d{1,4}\])$/,
}

const first = (statistics: Statistics, names: readonly string[]) =>
  names.map(name => statistics.get(name)).find(value => value !== undefined)

function bytesOf(statistics: Statistics, way: 'receive' | 'transmit'): number | undefined {
  const total = first(statistics, BYTES[way])
  if (total !== undefined) return total
  const queues = [...statistics].filter(([name]) => QUEUE_BYTES[way].test(name))
  return queues.length === 0 ? undefined : queues.reduce((sum, [, value]) => sum + value, 0)
}

export interface DriverCounters {
  readonly receiveBytes: number | undefined
  readonly transmitBytes: number | undefined
  readonly errors: Readonly<Record<string, number>>
}

const PRIORITIES = [0, 1, 2, 3, 4, 5, 6, 7]

export function driverCounters(statistics: Statistics): DriverCounters {
  const errors: Record<string, number> = {}
  const take = (name: string, candidates: readonly string[]) => {
    const value = first(statistics, candidates)
    if (value !== undefined) errors[name] = value
  }
  for (const [name, candidates] of Object.entries(ERRORS)) {
    if (!name.endsWith('N')) take(name, candidates)
    else
      for (const priority of PRIORITIES)
        take(
          `${name.slice(0, -1)}${priority}`,
          candidates.map(candidate => candidate.replace('N', String(priority))),
        )
  }
  return { receiveBytes: bytesOf(statistics, 'receive'), transmitBytes: bytesOf(statistics, 'transmit'), errors }
}
