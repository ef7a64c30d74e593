/** The device's memory at the moment of death, as parts that add up. */
import { predict } from '../../math/predict'
import type { PredictInput } from '../../math/input'
import type { MemoryPart } from '../../wire/post-mortem'
import type { Figures } from './figures'
import type { Event } from './scene'

const STATES = [
  ['parameters', 'weights of the fullest stage’s device'],
  ['gradients', 'gradients of these weights'],
  ['optimizer', 'optimizer states of these weights'],
] as const

/** Model states as predicted, as much of them as tensors held; the rest of the tensors has no name of its own. */
function tensorParts(tensors: number, config: PredictInput | undefined): MemoryPart[] {
  const memory = config === undefined ? undefined : predict(config).memory
  let left = tensors
  const states = STATES.flatMap(([name, help]): MemoryPart[] => {
    const bytes = Math.min(left, memory?.[`${name}Bytes`] ?? 0)
    left -= bytes
    return bytes > 0 ? [{ name, bytes, provenance: 'predicted', help: `${help}, as predicted` }] : []
  })
  const rest: MemoryPart = {
    name: states.length > 0 ? 'activations and other tensors' : 'tensors',
    bytes: left,
    provenance: states.length > 0 ? 'derived' : 'measured',
    help: states.length > 0 ? 'what tensors held, less the model states' : 'what tensors held, as the framework said',
  }
  return [...states, ...(left > 0 ? [rest] : [])]
}

const part = (name: string, bytes: number | undefined, provenance: MemoryPart['provenance'], help: string) =>
  bytes === undefined || bytes <= 0 ? [] : [{ name, bytes, provenance, help }]

/** What the event itself tells; single allocations are in these parts, and left out. */
export function toldParts({ parts = [] }: Event, help: string): MemoryPart[] {
  return parts
    .filter(({ largest }) => largest !== true)
    .map(({ name, bytes }) => ({ name, bytes, provenance: 'measured', help }))
}

/** Of what may be had of a host: the process that ended, its model's states where they are in it, and what else there is. */
export function hostPartsOf(event: Event, figures: Figures, config: PredictInput | undefined): MemoryPart[] {
  const { process, capacity, free } = figures
  if (capacity === undefined) return []
  if (process === undefined) return toldParts(event, 'at most, as the kernel counts it')
  const isTold = event.processBytes !== undefined
  const held = Math.min(process, capacity)
  const states = config === undefined ? [] : tensorParts(held, config).filter(one => one.provenance === 'predicted')
  const rest = held - states.reduce((sum, { bytes }) => sum + bytes, 0)
  return [
    ...states,
    ...part(
      'the process',
      rest,
      'measured',
      isTold ? 'held by the process that ended, as it or the kernel said' : 'held by it after its last finished step',
    ),
    ...part(
      isTold ? 'other processes' : 'since then, and other processes',
      capacity - held - (free ?? 0),
      'derived',
      'under the same limit, and files kept in memory',
    ),
    ...part('free', free, 'measured', 'of what was allowed'),
  ]
}

export function partsOf(figures: Figures, config: PredictInput | undefined): MemoryPart[] {
  const { tensors, unused, context, others, free } = figures
  return [
    ...(tensors === undefined ? [] : tensorParts(tensors, config)),
    ...part('reserved, not in use', unused, 'measured', 'held by the allocator in pieces that no tensor uses'),
    ...part(
      'context and libraries',
      context,
      'derived',
      'of the process, beyond its allocator: context, kernels, NCCL',
    ),
    ...part(
      'other processes',
      others,
      'derived',
      'the device’s capacity, less what is free and what this process held',
    ),
    ...part('free', free, 'measured', 'free on the device when the request failed'),
  ]
}
