/**
 * A run that stopped stepping: which ranks are inside which collective, and who never came. Best told by flight recorders and
 * watchdogs, which name the group and the place in its order of collectives; else by who took fewer steps than the others.
 */
import { grouped } from '../base/grouped'
import { capital } from '../base/capital'
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import { ranksOfGroup } from '../wire/group-name'
import { defineDetector, type DetectorWindow } from './detector'
import { extent, median } from './statistics'

/** Events of ranks that wait in a collective: a flight recorder's entry that is open, or a watchdog's time-out. */
const WAITING = new Set(['collective-incomplete', 'nccl-timeout'])
/** The last collective of a group that a rank came out of. */
const COMPLETED = 'collective-completed'
const FROM_DUMPS = new Set([COMPLETED, 'collective-incomplete'])
/** As in `silent-run`: evaluation and checkpoints take many step times. */
const STEP_TIMES = 10
const LEAST_SECONDS = 60
/** More names than this are a number. */
const LISTED = 12

interface Stuck {
  readonly operation: string
  readonly group: string | undefined
  readonly sequence: number | undefined
  /** Ranks that called it and did not come out. */
  readonly inside: readonly number[]
  /** Members of the group of which nothing says that they called it, and of those the ones that told nothing at all. */
  readonly missing: readonly number[]
  readonly silent: readonly number[]
  readonly since: number
}

const isRank = (rank: number | undefined): rank is number => rank !== undefined

/** The ranks of a job, as far as they are known. */
function everyone({ facts, ranks }: DetectorWindow): number[] {
  if (facts.worldSize !== undefined) return Array.from({ length: facts.worldSize }, (_, rank) => rank)
  return [...new Set(Array.from(ranks.rank).filter(Number.isInteger))].sort((one, other) => one - other)
}

/** Of each group the earliest collective that somebody waits in: those behind it wait because of it. */
function stuckOf(window: DetectorWindow): Stuck[] {
  // A watchdog that got stuck itself names no collective: it says nothing of who waits.
  const waiting = window.events.filter(
    ({ type, rank, operation }) => WAITING.has(type ?? '') && isRank(rank) && operation !== undefined,
  )
  return [...grouped(waiting, ({ group }) => group)].flatMap(([group, events]) => {
    const { least } = extent(events.map(({ collectiveSequence = NaN }) => collectiveSequence))
    const first = Number.isNaN(least) ? events : events.filter(({ collectiveSequence }) => collectiveSequence === least)
    const inside = [...new Set(first.flatMap(({ rank }) => rank ?? []))].sort((one, other) => one - other)
    // A ring forgets: a rank that came out of it, or is seen further on, has been here.
    const beyond = new Set(
      window.events.flatMap(({ type, rank, collectiveSequence: sequence = NaN, ...other }) =>
        other.group === group && (sequence > least || (type === COMPLETED && sequence >= least)) ? (rank ?? []) : [],
      ),
    )
    const members = membersOf(group) ?? (isOfAll(group) ? everyone(window) : inside)
    const here = new Set(inside)
    const told = new Set(window.events.flatMap(({ type, rank }) => (FROM_DUMPS.has(type ?? '') ? (rank ?? []) : [])))
    const { least: since } = extent(first.map(({ time = NaN }) => time))
    return [
      {
        group,
        sequence: Number.isNaN(least) ? undefined : least,
        operation: first.find(({ operation }) => operation !== undefined)?.operation ?? 'collective',
        inside,
        missing: members.filter(rank => !here.has(rank) && !beyond.has(rank)),
        silent: members.filter(rank => !here.has(rank) && !beyond.has(rank) && !told.has(rank)),
        since: Number.isNaN(since) ? window.facts.startedAt : since,
      },
    ]
  })
}

/** Undefined where the name does not say them: a watchdog’s names do not. */
function membersOf(group: string | undefined): readonly number[] | undefined {
  const ranks = group === undefined ? undefined : ranksOfGroup(group)
  return ranks !== undefined && ranks.length > 1 ? ranks : undefined
}

/** The group of all ranks, as PyTorch calls it. */
const isOfAll = (group: string | undefined) => group === undefined || ['PG 0', '0', 'default_pg'].includes(group)

const listed = (ranks: readonly number[]) =>
  ranks.length > LISTED ? `${ranks.length} ranks` : `rank${ranks.length === 1 ? '' : 's'} ${ranks.join(', ')}`

function toFinding({ run }: DetectorWindow, stuck: Stuck): Finding {
  const { operation, group, sequence, inside, missing, silent } = stuck
  const what = `${operation}${sequence === undefined ? '' : ` ${sequence}`}${group === undefined ? '' : ` of group ${group}`}`
  const isKnown = membersOf(group) !== undefined || isOfAll(group)
  const came = missing.length === 0
  return {
    detector: 'hang',
    run,
    severity: 'critical',
    provenance: 'derived',
    title: came
      ? `${isKnown ? 'All ranks' : capital(listed(inside))} ${isKnown || inside.length > 1 ? 'are' : 'is'} inside ${what}, and none comes out`
      : `${capital(listed(missing))} never came to ${what}`,
    evidence: `${listed(inside)} ${inside.length === 1 ? 'waits' : 'wait'} inside it${came ? '.' : `; of ${listed(missing)} nothing says so${silent.length > 0 && silent.length < missing.length ? `, and ${listed(silent)} told nothing at all` : ''}.`}`,
    since: stuck.since,
    ...(came ? {} : { ranks: [...missing] }),
    nextStep: came
      ? 'All have called it: look at the links between them and at the kernel log for lost devices or links.'
      : `\`py-spy dump\` on ${listed(missing)} shows where it is; look for its last line in the log, and at its node.`,
  }
}

/** Without a word of collectives: those that took fewer steps than the others, of a run that stopped. */
function behind(window: DetectorWindow): Finding[] {
  const { facts, steps, ranks, now, run } = window
  const usual = median(Array.from(steps.stepSeconds))
  const { greatest: last } = extent(steps.time)
  const silence = now - last
  if (facts.endedAt !== undefined || !(silence > Math.max(LEAST_SECONDS, STEP_TIMES * usual))) return []
  const lastOf = new Map<number, number>()
  for (let row = 0; row < ranks.step.length; row += 1) {
    const [rank, step] = [ranks.rank[row] ?? NaN, ranks.step[row] ?? NaN]
    if (Number.isInteger(rank) && Number.isFinite(step)) lastOf.set(rank, Math.max(lastOf.get(rank) ?? -Infinity, step))
  }
  const { greatest: newest } = extent([...lastOf.values()])
  const late = [...lastOf].flatMap(([rank, step]) => (step < newest ? [rank] : [])).sort((one, other) => one - other)
  // Where most are late, those that are ahead only told sooner.
  if (late.length === 0 || late.length * 2 >= lastOf.size) return []
  return [
    {
      detector: 'hang',
      run,
      severity: 'critical',
      provenance: 'estimated',
      title: `${late.length === 1 ? 'Rank' : 'Ranks'} ${late.length > LISTED ? `(${late.length} of them)` : late.join(', ')} took fewer steps than the others, and the run stands still`,
      evidence: `${lastOf.size - late.length} ranks have ended step ${newest}, ${listed(late)} not; no step came for ${format(silence, 'seconds')}.`,
      since: last,
      ranks: late,
      nextStep: `\`py-spy dump\` on ${listed(late)} shows where it is. TORCH_NCCL_TRACE_BUFFER_SIZE=2000 tells next time which collective.`,
    },
  ]
}

export const hang = defineDetector({
  name: 'hang',
  help: 'A run stands still: which ranks wait in which collective, and who never came.',
  detect(window) {
    const stuck = stuckOf(window)
    if (stuck.length === 0) return behind(window)
    // Who never came to one group's collective may wait in another's: the root is who waits nowhere.
    const waits = new Set(stuck.flatMap(({ inside }) => inside))
    const roots = stuck.filter(({ missing }) => missing.some(rank => !waits.has(rank)))
    return (roots.length > 0 ? roots : stuck.slice(0, 1)).map(one => toFinding(window, one))
  },
})
