/** The allocator's state at an out-of-memory error. There is no GPU here: PyTorch is asked as if there was one. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readPickle } from '../../collectors/pickle/read'
import { hasTorch, PYTHON, pythonPath } from './torch'

const SCRIPT = `
import torch, plumbline_hook
torch.cuda.is_available = lambda: True
torch.cuda.is_initialized = lambda: False
torch.cuda.current_device = lambda: 0
torch.cuda.memory._snapshot = lambda: {"segments": [], "device_traces": [[]]}
observers = []
torch._C._cuda_attach_out_of_memory_observer = observers.append
hook = plumbline_hook.attach(torch.nn.Linear(2, 2))
for observer in observers: observer(0, 1, 2, 3)
raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
`

it.skipIf(!hasTorch)('is kept whole, once, beside what the hook tells', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-hook-snapshot-'))
  try {
    const environment = { ...process.env, PYTHONPATH: pythonPath, PLUMBLINE_HOOK_DIR: folder, RANK: '3' }
    const { stderr } = spawnSync(PYTHON, ['-c', SCRIPT], { env: environment, encoding: 'utf8' })
    expect(stderr).toContain('CUDA out of memory')
    expect(stderr).not.toContain('plumbline: the hook is off')
    expect(readdirSync(folder).sort()).toEqual(['rank-3.jsonl', 'snapshot-rank-3.pickle'])
    expect(readPickle(readFileSync(join(folder, 'snapshot-rank-3.pickle')))).toBeInstanceOf(Map)
    expect(readFileSync(join(folder, 'rank-3.jsonl'), 'utf8')).toContain('"type":"oom"')
    expect(existsSync(join(folder, 'snapshot-rank-3.pickle.new'))).toBe(false)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
