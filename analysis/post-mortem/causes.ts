/** Why memory ran out, the likeliest first. Each cause says what was seen, and against what. */
import type { Cause } from '../../wire/post-mortem'
import { median } from '../statistics'
import { bytes, cause, growing, type Evidence } from './evidence'
import type { Figures } from './figures'
import { HOST_RULES } from './host-causes'

/** Another process must hold more than a context to be worth a word. */
const OTHERS_LEAST = 2 ** 30

function neighbour({ figures: { others, free = 0, requested, capacity } }: Evidence): Cause[] {
  if (others === undefined || others < OTHERS_LEAST) return []
  const wouldFit = requested !== undefined && free + others >= requested
  return cause(
    'neighbour',
    wouldFit ? 'certain' : 'possible',
    'Another process held memory of this device',
    `${bytes(others)} of ${bytes(capacity)} were held by other processes; ${bytes(free)} were free and ${bytes(requested)} asked for`,
  )
}

function fragmentation({ figures: { unused, free = 0, requested, tensors } }: Evidence): Cause[] {
  if (unused === undefined || requested === undefined || unused < requested) return []
  const share = tensors === undefined ? 1 : unused / tensors
  return cause(
    'fragmentation',
    share > 0.1 ? 'certain' : 'likely',
    'The memory was there, in pieces that were too small',
    `the allocator held ${bytes(unused)} that no tensor used, more than the ${bytes(requested)} that it could not place; ${bytes(free)} were free on the device`,
  )
}

/** Seconds before the end within which a checkpoint or an evaluation is taken to be under way. */
const UNDER_WAY_SECONDS = 600

function beside({ event, scene, growth }: Evidence): Cause[] {
  if (growth.kind === 'steady') return []
  const since = scene.lastStepAt ?? -Infinity
  const time = event.time ?? Infinity
  const other = scene.events.findLast(
    ({ type, time: at = -Infinity }) =>
      (type === 'evaluation' || type === 'checkpoint') && at <= time && at >= Math.max(since, time - UNDER_WAY_SECONDS),
  )
  if (other === undefined) return []
  return cause(
    'checkpoint-or-evaluation',
    'likely',
    `It happened during ${other.type === 'evaluation' ? 'an evaluation' : 'a checkpoint'}, not in a training step`,
    `after the last finished step the log told of ${other.type === 'evaluation' ? 'an evaluation' : 'a checkpoint'}: ${(other.message ?? '').slice(0, 200)}`,
  )
}

/** A step that wants so much more than any before it is another kind of step. */
const LARGER = 1.05

function larger(evidence: Evidence): Cause[] {
  const { growth, figures } = evidence
  const { tensors, unused = 0, requested = 0 } = figures
  // What an evaluation holds is no step of training.
  if (growth.kind !== 'flat' || tensors === undefined || beside(evidence).length > 0) return []
  const wanted = tensors + requested + (growth.isReserved ? unused : 0)
  if (wanted < LARGER * growth.mostBytes) return []
  return cause(
    'larger-step',
    wanted > 1.15 * growth.mostBytes ? 'certain' : 'likely',
    'This step wanted more than any before it: most often a longer sequence or a fuller batch',
    `${bytes(wanted)} with the request, where ${growth.steps} steps before held ${bytes(growth.usualBytes)} and never more than ${bytes(growth.mostBytes)}`,
  )
}

/** A rank that holds so much more than the median of the others does other work. */
const UNEVEN = 1.15

function uneven({ event, scene }: Evidence): Cause[] {
  const own = event.rank === undefined ? undefined : scene.peaksByRank.get(event.rank)
  const others = [...scene.peaksByRank].flatMap(([rank, peak]) => (rank === event.rank ? [] : [peak]))
  const usual = median(others)
  if (own === undefined || others.length < 1 || own < UNEVEN * usual) return []
  const pipeline = scene.config?.parallelism?.pipeline ?? 1
  return cause(
    'uneven-stage',
    pipeline > 1 ? 'likely' : 'possible',
    pipeline > 1 ? 'Its pipeline stage is fuller than the others' : 'This rank held more than the others',
    `rank ${event.rank} held ${bytes(own)} at its peak, the median of ${others.length} others ${bytes(usual)}`,
  )
}

function first({ growth, scene, figures: { capacity }, predictedBytes }: Evidence): Cause[] {
  if (growth.kind !== 'no-steps' || scene.lastStep === undefined) return []
  // Forward and backward fitted once: what the first optimizer step adds are its states.
  const fits = predictedBytes === undefined || capacity === undefined || predictedBytes <= capacity
  return cause(
    'first-optimizer-step',
    fits ? 'possible' : 'likely',
    'It ended with the first steps: the optimizer’s states come with its first step, and stay',
    `the last finished step was ${scene.lastStep}`,
  )
}

/** Of what is known: messages of some frameworks say little. */
function heldText({ tensors, capacity, requested }: Figures): string {
  const held = tensors === undefined ? '' : `tensors held ${bytes(tensors)}`
  const asked = requested === undefined ? '' : `${bytes(requested)} could not be had`
  const whole = capacity === undefined ? '' : `the device has ${bytes(capacity)}`
  return ['no step was finished', held, asked, whole].filter(Boolean).join('; ')
}

function tooLarge({ predictedBytes, figures, growth, scene }: Evidence): Cause[] {
  const { capacity } = figures
  // Steps that took far less than predicted say that the prediction is of another job.
  const refuted = growth.kind === 'flat' && growth.mostBytes < 0.75 * (predictedBytes ?? 0)
  const said = predictedBytes === undefined || capacity === undefined || refuted ? undefined : predictedBytes / capacity
  const early = growth.kind === 'no-steps' && scene.lastStep === undefined
  if (said !== undefined && said > 1)
    return cause(
      'too-large',
      'certain',
      'The job is too large for the device as it is configured',
      `${bytes(predictedBytes)} are predicted, the device has ${bytes(capacity)}`,
    )
  if (!early && (said === undefined || said < 0.9)) return []
  return early
    ? cause(
        'too-large',
        'likely',
        'No step fitted: the job is too large for the device as it is configured',
        heldText(figures),
      )
    : cause(
        'too-large',
        'likely',
        'The job needs about as much as the device has',
        `${bytes(predictedBytes)} are predicted, the device has ${bytes(capacity)}`,
      )
}

/** Of what one process may hold: set_per_process_memory_fraction, or a share that a scheduler gives. */
function limited(evidence: Evidence): Cause[] {
  const allowed = sizeText(/([\d.]+ [KMGT]?i?B) allowed;/.exec(evidence.event.message ?? '')?.[1])
  if (allowed === undefined) return []
  return cause(
    'process-limit',
    'certain',
    'The process may hold no more: a limit below the device’s memory was set for it',
    `${allowed} are allowed, ${bytes(evidence.figures.free)} are free on the device; torch.cuda.set_per_process_memory_fraction or the scheduler set it`,
  )
}
const sizeText = (text: string | undefined) => (text === undefined || text === '' ? undefined : text)

/** Of a log alone: that it went well for a while is known all the same. */
function unseen({ scene: { lastStep } }: Evidence): Cause[] {
  return lastStep === undefined || lastStep < FITTED_STEPS
    ? cause(
        'unknown',
        'possible',
        'Why cannot be said from what is known',
        'memory was not seen before the end, or it was as always',
      )
    : cause(
        'unknown',
        'possible',
        'It fitted for a while: something kept more from step to step, or this step was larger than any before',
        `step ${lastStep} was finished, so the plan as such fits; which of the two it was, memory step by step would show (the hook, or a framework that logs it)`,
      )
}
/** By then a job has its optimizer's states, its caches and its usual batches. */
const FITTED_STEPS = 8

const CERTAINTY: readonly Cause['certainty'][] = ['certain', 'likely', 'possible']
/** Of equal certainty what a person can act on at once comes first. */
const RULES = [limited, neighbour, growing, fragmentation, beside, larger, uneven, tooLarge, first]

export function causesOf(evidence: Evidence): Cause[] {
  const isHost = evidence.event.type === 'host-oom'
  const found = (isHost ? HOST_RULES : RULES).flatMap(rule => rule(evidence))
  // That a limit was reached is certain, and says where it ended; what in the job went up to it comes first.
  const order = (one: Cause) => (one.name === 'host-limit' ? CERTAINTY.length : CERTAINTY.indexOf(one.certainty))
  if (found.length > 0) return found.sort((one, other) => order(one) - order(other))
  return unseen(evidence)
}
