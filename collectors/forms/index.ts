/** Forms of saved output in the order in which an unknown file is offered to them; what none claims is read as a log. */
import { registry } from '../../base/registry'
import type { Form } from '../form'
import { ethtoolSettings } from './ethtool-settings'
import { ethtoolStatistics } from './ethtool-statistics'
import { ibnetdiscover } from './ibnetdiscover'
import { ibstat } from './ibstat'
import { ibstatus } from './ibstatus'
import { ibswinfo } from './ibswinfo'
import { lldpNeighbors } from './lldp-neighbors'
import { nvidiaSmiCsv } from './nvidia-smi-csv'
import { perfquery } from './perfquery'
import { procNetDev } from './proc-net-dev'
import { rdmaLink } from './rdma-link'
import { rdmaStatistic } from './rdma-statistic'
import { sysfsInfiniband } from './sysfs-infiniband'
import { topologyKubernetes } from './topology-kubernetes'
import { topologySlurm } from './topology-slurm'
import { topologyYaml } from './topology-yaml'

export const forms = registry<Form>('form', [
  nvidiaSmiCsv, //
  ethtoolSettings,
  ethtoolStatistics,
  ibnetdiscover,
  ibstat,
  ibstatus,
  ibswinfo,
  lldpNeighbors,
  perfquery,
  procNetDev,
  rdmaLink,
  rdmaStatistic,
  sysfsInfiniband,
  topologyKubernetes,
  topologySlurm,
  topologyYaml,
])
