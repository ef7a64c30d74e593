/**
 * Names of counters of an RDMA port, by their meaning. Port counters have the names of sysfs
 * (https://docs.kernel.org/admin-guide/abi-stable-files.html, sysfs-class-infiniband); hardware counters those of mlx5
 * (https://enterprise-support.nvidia.com/s/article/understanding-mlx5-linux-counters-and-status-parameters), to which those of
 * bnxt_re, irdma, efa and ionic are brought where they count the same.
 */
const PORT = [
  ...['symbol_error', 'link_error_recovery', 'link_downed', 'port_rcv_errors', 'port_rcv_remote_physical_errors'],
  ...['port_rcv_switch_relay_errors', 'port_xmit_discards', 'port_xmit_wait', 'port_xmit_constraint_errors'],
  ...['port_rcv_constraint_errors', 'local_link_integrity_errors', 'excessive_buffer_overrun_errors', 'VL15_dropped'],
]
const HARDWARE: Readonly<Record<string, readonly string[]>> = {
  out_of_sequence: ['resp_rx_outouf_seq', 'resp_rx_outof_seq', 'oos_drop_count'],
  out_of_buffer: ['resp_rx_outof_buf'],
  packet_seq_err: ['req_rx_pkt_seq_err', 'seq_err_naks_rcvd'],
  local_ack_timeout_err: ['to_retransmits', 'retrans_timeout_events'],
  rnr_nak_retry_err: ['req_rx_rnr_retry_err', 'rnr_naks_rcvd'],
  retry_exceeded: ['req_tx_retry_excd_err', 'max_retry_exceeded'],
  np_cnp_sent: ['tx_rdma_cnp_pkts', 'tx_cnp_pkts', 'cnpSent'],
  rp_cnp_handled: ['rx_rdma_cnp_pkts', 'rx_cnp_pkts', 'cnpHandled'],
  np_ecn_marked_roce_packets: ['rx_rdma_ecn_pkts', 'rx_ecn_marked_pkts', 'RxECNMrkd'],
  roce_adp_retrans: [],
  roce_adp_retrans_to: [],
  roce_slow_restart: [],
  rx_icrc_encapsulated: [],
  retransmits: ['retrans_pkts'],
  receive_drops: ['rx_drops', 'rx_roce_discards'],
  transmit_discards: ['tx_roce_discards'],
}

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

const NAMES = new Map<string, string>([
  ...PORT.map(name => [name, camel(name)] as const),
  ...Object.entries(HARDWARE).flatMap(([name, others]) => [name, ...others].map(one => [one, camel(name)] as const)),
])

/** The name in a record of a counter of /sys/class/infiniband or `rdma statistic`; undefined for what is no trouble. */
export function rdmaCounterName(name: string): string | undefined {
  return NAMES.get(name)
}

/** perfquery’s names, also those it had before 2012, of which `PortXmitData` and the like are left out here. */
const OLD: Readonly<Record<string, string>> = {
  SymbolErrors: 'symbolError',
  LinkRecovers: 'linkErrorRecovery',
  RcvErrors: 'portRcvErrors',
  RcvRemotePhysErrors: 'portRcvRemotePhysicalErrors',
  RcvSwRelayErrors: 'portRcvSwitchRelayErrors',
  XmtDiscards: 'portXmitDiscards',
  XmtConstraintErrors: 'portXmitConstraintErrors',
  RcvConstraintErrors: 'portRcvConstraintErrors',
  LinkIntegrityErrors: 'localLinkIntegrityErrors',
  ExcBufOverrunErrors: 'excessiveBufferOverrunErrors',
  XmtWait: 'portXmitWait',
}
const PERFQUERY =
  /^(?:Symbol|Link|Local|Excessive|VL15|QP1|Port)\w{0,60}?(?:Errors?|Error|Recovery|Downed|Discards|Dropped|XmitWait)(?:Counter)?$/

export function perfqueryName(name: string): string | undefined {
  const old = OLD[name]
  if (old !== undefined) return old
  if (!PERFQUERY.test(name)) return undefined
  const plain = name.replace(/Counter$/, '')
  return /^(?:VL15|QP1)/.test(plain) ? plain : plain.charAt(0).toLowerCase() + plain.slice(1)
}
