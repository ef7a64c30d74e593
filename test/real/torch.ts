/** Whether the system's Python has torch; says loudly where it has not. */
import { spawnSync } from 'node:child_process'

export const PYTHON = '/usr/bin/python3'
export const hasTorch = spawnSync(PYTHON, ['-c', 'import torch.distributed']).status === 0
if (!hasTorch)
  console.warn(`SKIPPED: no torch for ${PYTHON}; install it with: apt-get install python3-torch libopenblas0-pthread`)
