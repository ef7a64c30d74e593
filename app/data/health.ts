/** One sentence on how a run is. Pure. */
import { format } from '../../base/units'
import type { RunState, RunSummary } from '../../wire/api'

export type Tone = 'good' | 'warning' | 'critical' | 'neutral'

export const STATES: Readonly<Record<RunState, { title: string; tone: Tone }>> = {
  live: { title: 'Live', tone: 'good' },
  silent: { title: 'Silent', tone: 'warning' },
  ended: { title: 'Ended', tone: 'neutral' },
  failed: { title: 'Failed', tone: 'critical' },
  lost: { title: 'Lost', tone: 'warning' },
}

/** `6 min 46 s`, `73 s`: whole seconds. */
export const wholeSeconds = (seconds: number) =>
  format(Math.round(Math.max(0, seconds)), 'seconds').replace(/\.0+ s$/, ' s')

/** A guess is not told to the second: `40 s`, `1 h 47 min`, `2.5 d`. */
export function roughly(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds / 5) * 5} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return `${(seconds / 86_400).toFixed(1)} d`
}

export const count = (value: number) => value.toLocaleString('en-US')

/** `node0000`, `node0000 and node0001`, `node0000 … node0127 (128 nodes)`. */
export function nodesText(nodes: readonly string[]): string {
  if (nodes.length === 0) return 'no node yet'
  if (nodes.length <= 2) return nodes.join(' and ')
  return `${nodes[0]} … ${nodes.at(-1)} (${nodes.length} nodes)`
}

const plural = (number: number, what: string) => `${count(number)} ${what}${number === 1 ? '' : 's'}`

/** `64 ranks, 64 GPUs on node0000 … node0007 (8 nodes)` */
export function placeText({ worldSize, gpus, nodes }: RunSummary): string {
  const ranks = worldSize === null ? [] : [plural(worldSize, 'rank')]
  return `${[...ranks, gpus === 0 ? 'no GPU' : plural(gpus, 'GPU')].join(', ')} on ${nodesText(nodes)}`
}

/** Share of the steps that are done, 0..1; undefined where the end is not known. */
export function progressOf({ step, totalSteps }: RunSummary): number | undefined {
  return step === null || totalSteps === null || totalSteps <= 0 ? undefined : Math.min(1, step / totalSteps)
}

/** Seconds to the end at the step time of now. */
export function remainingSeconds({ step, totalSteps, stepSeconds }: RunSummary): number | undefined {
  if (step === null || totalSteps === null || stepSeconds.value === null) return undefined
  return Math.max(0, totalSteps - step) * stepSeconds.value
}

function stepPlace({ step, totalSteps }: RunSummary): string {
  if (step === null) return 'no step yet'
  return `step ${count(step)}${totalSteps === null ? '' : ` of ${count(totalSteps)}`}`
}

function stepText(run: RunSummary): string {
  const progress = progressOf(run)
  return `${stepPlace(run)}${progress === undefined ? '' : ` (${Math.floor(progress * 100)} %)`}`
}

const SIGNALS: Readonly<Record<number, string>> = {
  2: 'SIGINT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
}

/** A code above 128 is a signal's number and 128. */
export function exitText(exitCode: number | null): string {
  if (exitCode === null) return 'an unknown exit code'
  const signal = SIGNALS[exitCode - 128]
  return `exit code ${exitCode}${signal === undefined ? '' : ` (${signal})`}`
}

/** Times are Unix seconds by the hub's clock. */
export function healthSentence(run: RunSummary, now: number, lastStepAt = run.lastSeenAt): string {
  const since = (time: number) => wholeSeconds(now - time)
  const left = remainingSeconds(run)
  switch (run.state) {
    case 'live':
      return `Training: ${stepText(run)}${left === undefined || left === 0 ? '' : `, about ${roughly(left)} to go`}.`
    case 'silent':
      return `No step for ${since(lastStepAt)}, at ${stepText(run)}. The agent is there; the job may hang.`
    case 'ended':
      return `Ended well ${since(run.endedAt ?? run.lastSeenAt)} ago, at ${stepPlace(run)}.`
    case 'failed':
      return `Failed with ${exitText(run.exitCode)}, ${since(run.endedAt ?? run.lastSeenAt)} ago, at ${stepText(run)}.`
    case 'lost':
      return `The agent went away ${since(run.lastSeenAt)} ago, at ${stepText(run)}, and never said how the job ended.`
  }
}

/** Wall time of the run so far, or in all. */
export function durationSeconds(run: RunSummary, now: number): number {
  return Math.max(0, (run.endedAt ?? (run.state === 'lost' ? run.lastSeenAt : now)) - run.startedAt)
}
