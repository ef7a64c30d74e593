/** Collectors in the order in which the agent and `doctor` show them. */
import { registry } from '../base/registry'
import { amdSmi } from './amd-smi'
import { amdgpu } from './amdgpu'
import type { Collector } from './collector'
import { kernelLog } from './kernel-log'
import { lldp } from './lldp'
import { net } from './net'
import { nvidiaDmon } from './nvidia-dmon'
import { nvidiaProcesses } from './nvidia-processes'
import { nvidiaSmi } from './nvidia-smi'
import { nvidiaTopo } from './nvidia-topo'
import { proc } from './proc'
import { rocmSmi } from './rocm-smi'
import { scrape } from './scrape'
import { topology } from './topology'
import { trainingLog } from './training-log'

export const collectors = registry<Collector>('collector', [
  nvidiaSmi,
  nvidiaDmon,
  nvidiaProcesses,
  nvidiaTopo,
  amdgpu,
  amdSmi,
  rocmSmi,
  proc,
  net,
  scrape,
  kernelLog,
  lldp,
  topology,
  trainingLog,
])
