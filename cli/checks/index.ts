/** Checks in the order in which `plumbline doctor` prints them: what Plumbline stands on, then every collector, then the job's side. */
import { registry } from '../../base/registry'
import { collectors } from '../../collectors/index'
import type { Check } from './check'
import { collectorCheck } from './collector'
import { store } from './embedded-store'
import { hub, port } from './hub'
import { dataFolder, node } from './machine'
import { nvidiaFields } from './nvidia-fields'
import { hook, torch } from './python'

export const checks = registry<Check>('check', [
  node,
  dataFolder,
  store,
  port,
  hub,
  ...[...collectors].map(collectorCheck),
  nvidiaFields,
  torch,
  hook,
])
