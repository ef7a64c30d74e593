/**
 * What a single line of the kernel log says, by driver and subsystem. Named groups: `device` and `pid` are what the line is
 * about. The first rule that fits is taken. What is no trouble (a link that comes up, a service that stops) is not here.
 */
export interface Rule {
  readonly type: string
  readonly pattern: RegExp
  readonly meaning: string
  readonly fix: string
}

const PCI = String.raw`(?<device>[\da-f]{4,8}:[\da-f]{2}:[\da-f]{2}(?:\.[\da-f])?)`
/** Interfaces of containers, bridges and tunnels come and go all the time; they are no cards. */
const CARD = String.raw`(?<device>(?!veth|cali|docker|br-|virbr|cni|flannel|vxlan|tap|tun|lxc|cilium|nodelocaldns|kube|dummy|lo\b)[A-Za-z][\w.@-]{0,30})`
const rule = (type: string, pattern: string, meaning: string, fix: string): Rule => ({
  type,
  meaning,
  fix,
  pattern: new RegExp(pattern, 'i'),
})

const CABLE =
  'look at the cable, the transceiver and the switch port; compare `ethtool -S` or `ibstat` of its neighbours'
const DRAIN = 'drain the node and reset the device or reboot; if it comes again, have it checked'
const REPORT = 'note which job ran; if it comes again with other jobs, check memory and driver versions'
const SERVER = 'look at the server and at the network between; jobs that read or write there hang until it answers'

export const RULES: readonly Rule[] = [
  rule(
    'gpu-lost',
    `^NVRM: GPU (?:at )?(?:PCI:)?${PCI}: (?:GPU has fallen off the bus|GPU is lost)`,
    'the driver cannot reach the GPU over PCIe any more',
    'drain and power-cycle the node; check seating and power of the device',
  ),
  rule(
    'gpu-driver',
    String.raw`^NVRM: (?:API mismatch:|RmInitAdapter failed|No NVIDIA graphics adapter probed|The NVIDIA probe routine (?:was not called|failed) for|None of the NVIDIA (?:graphics adapters|devices) were (?:initialized|probed)|(?:The NVIDIA )?GPU ${PCI}(?::? \(PCI ID|: rm_init_adapter failed|: RmInitAdapter failed))`,
    'NVIDIA’s driver could not take the device into use',
    'check that no other driver holds it (lsmod | grep nouveau), and that driver module and libraries are of one version',
  ),
  rule(
    'gpu-peer-memory',
    String.raw`^nvidia-peermem \S{1,80} ERROR`,
    'GPUDirect RDMA was refused the memory of a process: often one that had just ended',
    'if jobs fail at start or NCCL falls back to copies, update driver and nvidia-peermem together',
  ),
  rule(
    'gpu-reset',
    String.raw`^amdgpu ${PCI}: (?:amdgpu: )?(?:\{\d{1,9}\})?(?:GPU reset(?: begin|\(\d{1,6}\) failed| end with ret = -)|poison is consumed by client \d{1,6}, kick off gpu reset)`,
    'the driver resets the GPU; jobs on it are lost',
    'look at the lines before it for the cause; restart the job',
  ),
  rule(
    'gpu-error',
    String.raw`^(?:\[drm[^\]]{0,80}\] \*ERROR\* |amdgpu ${PCI}: (?:amdgpu: )?)ring [\w.]{1,40} timeout`,
    'a queue of the GPU hangs',
    'look whether a reset follows; restart the job, and report it with the driver’s version if it comes again',
  ),
  rule(
    'gpu-error',
    String.raw`^amdgpu ${PCI}: (?:amdgpu: )?(?:\{\d{1,9}\})?(?:poison is (?:created|consumed)|\d{1,12} (?:new )?(?:un|de)?correctable hardware errors detected|(?:uncorrectable|deferred) hardware error|RAS (?:controller|poison) |Saved bad pages \d{1,9} reaches threshold|HW Exception|GPU (?:is )?lost|Failed to (?:resume|initialize|init|load) )`,
    'the GPU reported a hardware error (RAS)',
    DRAIN,
  ),
  rule(
    'gpu-error',
    String.raw`^amdgpu ${PCI}: (?:amdgpu: )?\[(?:gfxhub|mmhub)\d{0,2}\] (?:no-retry |retry )?page fault`,
    'the job touched device memory that is not mapped',
    'look for a bug in the job first; if other jobs fail on this device too, have it checked',
  ),
  rule(
    'link-down',
    String.raw`^(?:\S{1,40} ${PCI.replace('device', 'address')}:? (?:net )?)?${CARD}:? (?:\w{1,20}: \w{1,20} )?(?:NIC )?Link (?:is )?down\b`,
    'the link of a network card went down',
    CABLE,
  ),
  rule(
    'link-down',
    String.raw`^(?:${CARD}: lost carrier|device \(${CARD.replace('device', 'card')}\): carrier: link disconnected|\S{1,40}: link status definitely down for interface ${CARD.replace('device', 'slave')})`,
    'the link of a network card went down',
    CABLE,
  ),
  rule(
    'link-error',
    String.raw`^mlx5_core ${PCI}: Port module event(?:\[error\])?: module \d{1,3}, (?:Cable (?:error|unplugged)|.{0,40}(?:high temperature|bus stuck|unsupported|no EEPROM))`,
    'the transceiver or cable of a port has a fault',
    CABLE,
  ),
  rule(
    'nic-error',
    String.raw`^(?:mlx5_core|bnxt_en|ice|i40e|ionic|irdma|efa|ena) ${PCI}(?: \S{1,40})?:? .{0,120}(?:health (?:poll failed|compromised)|firmware (?:fatal|internal) error|assert_var|device's health compromised|firmware reset|TX timeout|transmit queue \d{1,6} timed out|Hardware error)`,
    'the network card or its firmware failed',
    'update the card’s firmware; if it comes again, have the card replaced',
  ),
  rule(
    'nic-error',
    String.raw`^NETDEV WATCHDOG: (?:CPU: \d{1,6}: )?${CARD} \(`,
    'the network card did not send for seconds',
    'update driver and firmware of the card; look at the switch port for pause frames',
  ),
  rule(
    'pcie-error',
    String.raw`^\S{1,40} ${PCI}: PCIe Bus Error: severity=(?!Corrected)`,
    'PCIe lost a transaction of the device',
    'check seating, riser and slot of the device; if it comes again, have it checked',
  ),
  rule(
    'pcie-error',
    String.raw`^\S{1,40} ${PCI}: PCIe Bus Error: severity=Corrected`,
    'PCIe repeated a transaction of the device; many of them slow its link',
    'watch the rate; look at the link’s speed and width (lspci -vv, LnkSta)',
  ),
  rule(
    'pcie-error',
    String.raw`^pcieport ${PCI}: pciehp: Slot\(\S{1,20}\): (?:Link Down|Card not present)`,
    'a device left its PCIe slot, or its link went down',
    'check seating, power and riser of the device in that slot; power-cycle the node',
  ),
  rule(
    'iommu-fault',
    String.raw`^(?:AMD-Vi: Event logged \[IO_PAGE_FAULT (?:device=|domain=\S{1,12} address=\S{1,20} .{0,40}device=)(?<device>[\da-f:.]{5,12})|DMAR: \[DMA (?:Read|Write)[^\]]{0,40}\] Request device \[(?<source>[\da-f:.]{5,12})\])`,
    'a device touched host memory that the IOMMU does not let it have',
    'look which device it is; peer-to-peer between GPUs and NICs needs the IOMMU off or in passthrough (iommu=pt)',
  ),
  rule(
    'thermal',
    String.raw`^(?:mce: )?(?<device>CPU\d{1,6}): (?:Core|Package) temperature above threshold, cpu clock throttled`,
    'a processor is too hot and was slowed down',
    'check fans, airflow and the inlet temperature of the node',
  ),
  rule(
    'machine-check',
    String.raw`^(?:mce: )?\[Hardware Error\]: CPU (?<device>\d{1,6})\b.{0,40}(?:Machine Check|MC\d{1,3}_STATUS)`,
    'a processor reported a hardware error',
    DRAIN,
  ),
  rule(
    'machine-check',
    String.raw`^EDAC (?<device>[\w#-]{1,40}): \d{1,9} UE `,
    'host memory lost data: an uncorrectable error',
    'drain the node and have the named DIMM replaced',
  ),
  rule(
    'machine-check',
    String.raw`^EDAC (?<device>[\w#-]{1,40}): \d{1,9} CE `,
    'host memory corrected an error',
    'watch the rate; have the named DIMM replaced when it rises',
  ),
  rule(
    'machine-check',
    '^Memory failure: 0x[0-9a-f]{1,16}: (?!.{0,80}already hardware poisoned).{0,80}',
    'the kernel took a broken page of host memory out of use',
    'drain the node and have its memory tested',
  ),
  rule(
    'hung-task',
    String.raw`^INFO: task (?<device>.{1,64}):(?<pid>\d{1,10}) blocked (?:in \S{1,40} )?for more than \d{1,9} seconds`,
    'a process waits in the kernel and does not come back: mostly for storage or a driver',
    'look at what it waits for (cat /proc/PID/stack), then at that storage or driver',
  ),
  rule(
    'hung-task',
    String.raw`^(?:watchdog: )?BUG: soft lockup - CPU#\d{1,6} stuck for \d{1,9}s! \[(?<device>.{1,64}):(?<pid>\d{1,10})\]`,
    'a processor was kept in the kernel for too long',
    'look at the call trace behind it for the driver; check that the host is not starved by its hypervisor',
  ),
  rule(
    'hung-task',
    String.raw`^rcu: INFO: \w{1,40} (?:self-)?detected (?:expedited )?stalls? on`,
    'a processor was kept in the kernel for too long',
    'look at the call trace behind it for the driver; check that the host is not starved by its hypervisor',
  ),
  rule(
    'kernel-bug',
    String.raw`^(?:BUG: (?!soft lockup)|kernel BUG at |Oops: |Kernel panic - )`,
    'the kernel itself failed',
    DRAIN,
  ),
  rule(
    'storage-hang',
    String.raw`^nfs: server (?<device>\S{1,200}) not responding`,
    'an NFS server does not answer',
    SERVER,
  ),
  rule(
    'storage-hang',
    String.raw`^Lustre: (?<device>\S{1,120}): Connection to \S{1,120} \(at \S{1,120}\) was lost`,
    'a Lustre server does not answer',
    SERVER,
  ),
  rule(
    'storage-hang',
    String.raw`^LustreError: .{0,200}(?:operation \w{1,40} to node \S{1,120} failed|This client was evicted by (?<device>\S{1,120})|timeout on bulk)`,
    'a Lustre server refused or evicted this node',
    SERVER,
  ),
  rule(
    'storage-error',
    String.raw`^(?:(?:blk_update_request: )?(?:critical (?:medium|target) error|I/O error), dev (?<device>[\w-]{1,40}),|nvme (?<disk>nvme\w{1,20}): I/O .{0,60}timeout|EXT4-fs error \(device (?<part>[\w-]{1,40})\)|XFS \((?<fs>[\w-]{1,40})\): .{0,80}(?:corruption|I/O error|shutting down))`,
    'a disk or its file system failed',
    'look at the disk’s health (smartctl, nvme smart-log); checkpoints on it may be damaged',
  ),
  rule(
    'segfault',
    String.raw`^(?<device>[^\[\]]{1,64})\[(?<pid>\d{1,10})\]: segfault at `,
    'a process read or wrote memory that is not its own',
    REPORT,
  ),
  rule(
    'segfault',
    String.raw`^traps: (?<device>[^\[\]]{1,64})\[(?<pid>\d{1,10})\] (?:trap \w|general protection)`,
    'the processor refused an instruction of a process',
    REPORT,
  ),
]
