/** The GPUs that Plumbline knows, and how the name that a tool prints is told to be one of them. */
import { registry } from '../base/registry'
import { amdGpus } from './gpus-amd'
import { nvidiaGpus } from './gpus-nvidia'
import type { Gpu } from './gpu'

export type { Gpu } from './gpu'
export const gpus = registry<Gpu>('GPU', [...nvidiaGpus, ...amdGpus])

const plain = (name: string) => name.trim().toLowerCase().replaceAll(/\s+/g, ' ')
/** Drivers before 470 print no vendor; ROCm versions differ in the suffix; a simulated one has the peak of what it stands for. */
const printed = (name: string) =>
  plain(name)
    .replace(/^(nvidia|amd|simulated) /, '')
    .replace(/ (vf|oam|hf)$/, '')

const byWord = new Map<string, Gpu>()
const byPrintedName = new Map<string, Gpu>()
for (const gpu of gpus) {
  for (const word of [gpu.name, gpu.title, ...gpu.aliases]) byWord.set(plain(word), gpu)
  for (const name of gpu.smiNames) byPrintedName.set(printed(name), gpu)
}

/**
 * The GPU of a name: ours (`h100-sxm`), or what nvidia-smi, rocm-smi or torch print. Only whole names match, so that an A4000
 * is no A40 and a MIG slice is no whole GPU; undefined for the rest, whose peak is unknown and not to be guessed. What people
 * call an H100 is the SXM part, but a tool that prints `NVIDIA H100` means a rare one of another peak.
 */
export function findGpu(name: string): Gpu | undefined {
  return byWord.get(plain(name)) ?? byPrintedName.get(printed(name))
}
