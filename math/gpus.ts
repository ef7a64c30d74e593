/** The GPUs that Plumbline knows, and how the name that a tool prints is told to be one of them. */
import { registry } from '../base/registry'
import { amdGpus } from './gpus-amd'
import { nvidiaGpus } from './gpus-nvidia'
import type { Gpu } from './gpu'

export type { Gpu } from './gpu'
export const gpus = registry<Gpu>('GPU', [...nvidiaGpus, ...amdGpus])

/** Drivers before 470 print no vendor; ROCm versions differ in the suffix. */
const plainName = (name: string) =>
  name
    .trim()
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .replace(/^(nvidia|amd) /, '')
    .replace(/ (vf|oam|hf)$/, '')

const index = new Map<string, Gpu>()
for (const gpu of gpus) {
  for (const name of [gpu.name, gpu.title, ...gpu.aliases, ...gpu.smiNames]) index.set(plainName(name), gpu)
}

/**
 * The GPU of a name: ours (`h100-sxm`), or what nvidia-smi, rocm-smi or torch print. Only whole names match, so that an A4000
 * is no A40 and a MIG slice is no whole GPU; undefined for the rest, whose peak is unknown and not to be guessed.
 */
export function findGpu(name: string): Gpu | undefined {
  return index.get(plainName(name))
}
