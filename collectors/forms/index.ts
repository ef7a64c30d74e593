/** Forms of saved output in the order in which an unknown file is offered to them; what none claims is read as a log. */
import { registry } from '../../base/registry'
import type { Form } from '../form'
import { amdSmiCsv } from './amd-smi-csv'
import { amdSmiJson } from './amd-smi-json'
import { amdSmiText } from './amd-smi-text'
import { amdgpuSysfs } from './amdgpu-sysfs'
import { blackBox } from './black-box'
import { dcgmFields } from './dcgm-fields'
import { dcgmiDmon } from './dcgmi-dmon'
import { ethtoolSettings } from './ethtool-settings'
import { ethtoolStatistics } from './ethtool-statistics'
import { hfTrainerState } from './hf-trainer-state'
import { ibnetdiscover } from './ibnetdiscover'
import { ibstat } from './ibstat'
import { ibstatus } from './ibstatus'
import { ibswinfo } from './ibswinfo'
import { kinetoTrace } from './kineto-trace'
import { lldpNeighbors } from './lldp-neighbors'
import { mlflowRun } from './mlflow-run'
import { ncclInspector } from './nccl-inspector'
import { nvidiaSmiAbout } from './nvidia-smi-about'
import { nvidiaSmiApps } from './nvidia-smi-apps'
import { nvidiaSmiCsv } from './nvidia-smi-csv'
import { nvidiaSmiDmon } from './nvidia-smi-dmon'
import { nvidiaSmiList } from './nvidia-smi-list'
import { nvidiaSmiNvlink } from './nvidia-smi-nvlink'
import { nvidiaSmiPmon } from './nvidia-smi-pmon'
import { nvidiaSmiQ } from './nvidia-smi-q'
import { nvidiaSmiRetired } from './nvidia-smi-retired'
import { nvidiaSmiTable } from './nvidia-smi-table'
import { nvidiaSmiTopo } from './nvidia-smi-topo'
import { nvidiaSmiXml } from './nvidia-smi-xml'
import { perfquery } from './perfquery'
import { procNetDev } from './proc-net-dev'
import { prometheusPage } from './prometheus-page'
import { rdmaLink } from './rdma-link'
import { rdmaStatistic } from './rdma-statistic'
import { rocmSmiCsv } from './rocm-smi-csv'
import { rocmSmiJson } from './rocm-smi-json'
import { rocmSmiText } from './rocm-smi-text'
import { sysfsInfiniband } from './sysfs-infiniband'
import { tensorboardEvents } from './tensorboard-events'
import { topologyKubernetes } from './topology-kubernetes'
import { topologySlurm } from './topology-slurm'
import { topologyYaml } from './topology-yaml'
import { torchFlightRecorder } from './torch-flight-recorder'
import { torchSnapshot } from './torch-snapshot'
import { wandbRun } from './wandb-run'

export const forms = registry<Form>('form', [
  nvidiaSmiCsv,
  nvidiaSmiApps,
  nvidiaSmiRetired,
  nvidiaSmiXml,
  nvidiaSmiQ,
  nvidiaSmiTable,
  nvidiaSmiDmon,
  nvidiaSmiPmon,
  nvidiaSmiNvlink,
  nvidiaSmiList,
  nvidiaSmiTopo,
  nvidiaSmiAbout,
  rocmSmiJson,
  rocmSmiCsv,
  rocmSmiText,
  amdSmiJson,
  amdSmiCsv,
  amdSmiText,
  amdgpuSysfs,
  dcgmFields,
  dcgmiDmon,
  prometheusPage,
  hfTrainerState,
  wandbRun,
  tensorboardEvents,
  mlflowRun,
  torchFlightRecorder,
  torchSnapshot,
  ethtoolSettings,
  ethtoolStatistics,
  ibnetdiscover,
  ibstat,
  ibstatus,
  ibswinfo,
  lldpNeighbors,
  perfquery,
  procNetDev,
  rdmaStatistic,
  sysfsInfiniband,
  topologyKubernetes,
  topologySlurm,
  topologyYaml,
  rdmaLink,
  kinetoTrace,
  ncclInspector,
  blackBox,
])
