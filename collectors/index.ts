/** Collectors in the order in which the agent and `doctor` show them. */
import { registry } from '../base/registry'
import type { Collector } from './collector'
import { kernelLog } from './kernel-log'
import { lldp } from './lldp'
import { net } from './net'
import { nvidiaSmi } from './nvidia-smi'
import { proc } from './proc'
import { topology } from './topology'
import { trainingLog } from './training-log'

export const collectors = registry<Collector>('collector', [
  nvidiaSmi, //
  proc,
  net,
  kernelLog,
  lldp,
  topology,
  trainingLog,
])
