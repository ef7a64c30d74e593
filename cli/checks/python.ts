/** Python with torch, and the hook that a training script may import. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Host } from '../../collectors/host'
import { hookFolder } from '../hook-folder'
import { absent, failed, ok, type Check } from './check'

const TIMEOUT_MS = 30_000
const PYTHONS = ['python3', '/usr/bin/python3']
const ASK_TORCH = [
  'import json, sys, torch',
  'print(json.dumps({"torch": torch.__version__, "python": sys.version.split()[0], "path": sys.executable,',
  ' "cuda": torch.version.cuda or torch.version.__dict__.get("hip") or "", "devices": torch.cuda.device_count(),',
  ' "distributed": torch.distributed.is_available()}))',
].join('\n')
const torchSchema = z.object({
  torch: z.string(),
  python: z.string(),
  path: z.string(),
  cuda: z.string(),
  devices: z.number(),
  distributed: z.boolean(),
})

/** `late`: it is being imported still, on a machine that is busy or from a file system that is slow. */
async function askTorch(host: Host, python: string): Promise<z.infer<typeof torchSchema> | 'late' | undefined> {
  const { code, stdout, error } = await host.run(python, ['-c', ASK_TORCH], TIMEOUT_MS)
  if (error !== undefined && /did not end/.test(error)) return 'late'
  if (code !== 0) return undefined
  try {
    return torchSchema.safeParse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).data
  } catch {
    return undefined
  }
}

export const torch: Check = {
  name: 'torch',
  needed: false,
  async run(host) {
    for (const python of PYTHONS) {
      const found = await askTorch(host, python)
      if (found === undefined) continue
      if (found === 'late')
        return absent(
          `${python} did not import torch within ${TIMEOUT_MS / 1000} s`,
          'only the hook needs it: run plumbline doctor again when the machine is less busy',
        )
      const devices = found.cuda === '' ? 'CPU only' : `CUDA/ROCm ${found.cuda}, ${found.devices} devices`
      const distributed = found.distributed ? '' : ', without torch.distributed'
      return ok(`${found.torch}, ${devices}${distributed} (${found.path}, Python ${found.python})`)
    }
    return absent(
      `neither ${PYTHONS.join(' nor ')} has torch`,
      'only the hook needs it: run plumbline doctor inside the environment that trains',
    )
  },
}

export const hook: Check = {
  name: 'hook',
  needed: false,
  async run(host, { data }) {
    const folder = hookFolder(data)
    const file = join(folder, 'plumbline_hook.py')
    if (!existsSync(file)) return failed(`${file} is missing`, 'install Plumbline anew')
    for (const python of PYTHONS) {
      const script = `import sys; sys.dont_write_bytecode = True; sys.path.insert(0, ${JSON.stringify(folder)}); import plumbline_hook`
      const { code, stderr, error } = await host.run(python, ['-c', script], TIMEOUT_MS)
      if (code === 0) return ok(`${file} (plumbline run puts it on PYTHONPATH)`)
      if (error === undefined)
        return failed(stderr.trim().split('\n').at(-1) ?? 'it does not import', 'use Python 3.8 or newer')
    }
    return absent(`${file} is there, python3 is not`, 'only training scripts need it')
  },
}
