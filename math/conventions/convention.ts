/**
 * How other calculators count. Sources disagree by up to a sixth on the same job, and each is right by its own convention:
 * a figure from a log or a paper can only be compared with a prediction by the same one.
 */
import type { ModelShape } from '../dimensions'
import type { Derived } from '../explain'
import type { Plan } from '../plan'
import type { Source } from '../sources'
import type { StateBytes } from '../states'

/** A job with all that a convention may ask for. */
export interface Job {
  readonly shape: ModelShape
  readonly plan: Plan
  /** Bytes of state per parameter by our own count; conventions replace them by theirs. */
  readonly states: StateBytes | undefined
  /** 4 or 2, where it was asked for. */
  readonly gradientBytes: number | undefined
}

/** What a calculator answers; absent is what it says nothing of. Bytes are of one device. */
export interface Counted {
  readonly parameters?: Derived
  /** Forward and backward pass, without recomputation. */
  readonly flopsPerToken?: Derived
  /** With recomputation. */
  readonly hardwareFlopsPerToken?: Derived
  readonly parametersBytes?: Derived
  readonly gradientsBytes?: Derived
  readonly optimizerBytes?: Derived
  /** Where it counts the three as one. */
  readonly statesBytes?: Derived
  readonly activationsBytes?: Derived
  readonly buffersBytes?: Derived
}
export type CountedFigure = keyof Counted

export interface Convention {
  readonly name: string
  readonly title: string
  /** What it counts and what it leaves out. */
  readonly help: string
  readonly source: Source
  count(job: Job): Counted
}

export const defineConvention = (convention: Convention) => convention

/** Bytes of state of the optimizer per parameter, an fp32 copy of the weights always among them. */
export function optimizerWithCopy({ states }: Job): number {
  return states === undefined ? 12 : 4 + states.optimizer - states.masterCopy
}

/** A calculator's program as of a commit. */
export function program(title: string, repository: string, path: string): Source {
  return { title, url: `https://github.com/${repository.replace('@', '/blob/')}/${path}` }
}

/** Megatron pads the vocabulary so that each tensor rank gets a multiple of 128. */
export function paddedVocabulary({ shape, plan }: Job): number {
  const multiple = 128 * plan.tensor
  return Math.ceil(shape.vocabularySize / multiple) * multiple
}
