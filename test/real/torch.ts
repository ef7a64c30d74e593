/** Whether the system's Python has torch; says loudly where it has not. Another Python: `PYTHON_WITH_TORCH=/path npm run test:real`. */
import { spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { ROOT } from '../plumbline'

export const PYTHON = process.env['PYTHON_WITH_TORCH'] ?? '/usr/bin/python3'
/** The hook's folder, before those that are searched already. */
export const pythonPath = [join(ROOT, 'hook'), process.env['PYTHONPATH']].filter(Boolean).join(delimiter)
/** Whether a library is there too; those that Debian does not have are tried where somebody installed them. */
export const hasModule = (name: string) => {
  const found = spawnSync(PYTHON, ['-c', `import ${name}`]).status === 0
  if (!found) console.warn(`SKIPPED: no ${name} for ${PYTHON}`)
  return found
}
export const hasTorch = spawnSync(PYTHON, ['-c', 'import torch.distributed']).status === 0
if (!hasTorch)
  console.warn(`SKIPPED: no torch for ${PYTHON}; install it with: apt-get install python3-torch libopenblas0-pthread`)
