/** Collectors in the order in which the agent and `doctor` show them. */
import { registry } from '../base/registry'
import type { Collector } from './collector'
import { net } from './net'
import { nvidiaSmi } from './nvidia-smi'
import { proc } from './proc'
import { scrape } from './scrape'
import { trainingLog } from './training-log'

export const collectors = registry<Collector>('collector', [
  nvidiaSmi, //
  proc,
  net,
  scrape,
  trainingLog,
])
