/**
 * The life of findings: what detectors say of one window after the other becomes few findings that open and close without
 * flapping. Pure: what is held and what is said gives what is held next and what changed.
 */
import { createHash } from 'node:crypto'
import type { Finding } from '../../wire/findings'

export type KeptFinding = Finding & { readonly id: string; readonly state: 'open' | 'closed' }

interface Held {
  readonly finding: KeptFinding
  readonly isOpen: boolean
  /** Step of the window in which it was seen first and last. */
  readonly firstStep: number
  readonly lastStep: number
  readonly lastTime: number
  /** Looks in which it was seen, and since when in a row it was not. */
  readonly seen: number
  readonly missed: number
}
export type Holdings = readonly Held[]

/** Where in the run a look stands. */
export interface Look {
  readonly step: number
  /** Unix seconds. */
  readonly time: number
}

export interface Change {
  readonly what: 'opened' | 'changed' | 'closed'
  readonly finding: KeptFinding
}

/** What costs something must be seen twice, so many steps apart, and be gone as long. */
const OPENS_AFTER_STEPS = 8
const CLOSES_AFTER_STEPS = 24
const LOOKS = 2
/** Less than this is told again only when the finding closes. */
const COST_CHANGE = 0.25

const SEVERITIES = ['info', 'warning', 'critical'] as const
const worse = (one: Finding['severity'], other: Finding['severity']) =>
  SEVERITIES.indexOf(one) >= SEVERITIES.indexOf(other) ? one : other

/** A switch and its uplink are one thing to look at: what first looks like the one may turn out to be the other. */
const switchOf = (link: string) => link.replace(/^(?:leaf|uplink) /, 'switch ')

/** Where ranks or links are blamed, their nodes say only where they are. */
function blamed({ ranks = [], nodes = [], links = [] }: Finding): string[] {
  const closer = [...ranks.map(rank => `rank ${rank}`), ...links.map(switchOf)]
  return closer.length > 0 ? closer : nodes.map(node => `node ${node}`)
}

/** By the same detector, of somebody whom both blame; where nobody is blamed, what costs something is not what costs nothing. */
function isSame(one: Finding, other: Finding): boolean {
  if (one.detector !== other.detector) return false
  const [mine, others] = [blamed(one), new Set(blamed(other))]
  if (mine.length > 0) return mine.some(name => others.has(name))
  return others.size === 0 && isSteady(one) === isSteady(other)
}

function idOf(finding: Finding): string {
  const text = JSON.stringify([finding.run, finding.detector, blamed(finding).sort(), Math.floor(finding.since)])
  return `${finding.detector}-${createHash('sha256').update(text).digest('hex').slice(0, 10)}`
}

/** Without a cost it is an event, or the absence of one: it is said at once. */
const isSteady = ({ costSecondsPerStep }: Finding) => costSecondsPerStep !== undefined

/** Says of a finding what it has cost since it began. */
type Priced = (finding: Finding) => Finding

function seen(held: Held | undefined, finding: Finding, look: Look, priced: Priced): Held {
  if (held === undefined) {
    const kept = { ...priced(finding), id: idOf(finding), state: 'open' as const }
    const counts = { firstStep: look.step, lastStep: look.step, lastTime: look.time, seen: 1, missed: 0 }
    return { finding: kept, isOpen: !isSteady(finding), ...counts }
  }
  const { finding: before, firstStep } = held
  const isOpen = held.isOpen || (held.seen + 1 >= LOOKS && look.step - firstStep >= OPENS_AFTER_STEPS)
  const since = Math.min(before.since, finding.since)
  const kept = {
    ...priced({ ...finding, since }),
    id: before.id,
    state: before.state,
    severity: worse(before.severity, finding.severity),
  }
  return {
    finding: kept,
    isOpen,
    firstStep,
    lastStep: look.step,
    lastTime: look.time,
    seen: held.seen + (look.step > held.lastStep ? 1 : 0),
    missed: 0,
  }
}

function isTold({ finding: before }: Held, { finding: now }: Held): boolean {
  const [one, other] = [before.costSecondsPerStep ?? 0, now.costSecondsPerStep ?? 0]
  return before.severity !== now.severity || Math.abs(other - one) > COST_CHANGE * Math.max(one, other)
}

const closed = ({ finding, lastTime }: Held): KeptFinding => ({ ...finding, state: 'closed', until: lastTime })

/** What one look changes. Findings of a look that are the same are one, the dearest. */
export function observe(
  holdings: Holdings,
  findings: readonly Finding[],
  look: Look,
  priced: Priced = finding => finding,
): { holdings: Holdings; changes: Change[] } {
  const next: Held[] = []
  const changes: Change[] = []
  const left = new Set(holdings)
  const dearest = findings.toSorted((one, other) => (other.costSecondsPerStep ?? 0) - (one.costSecondsPerStep ?? 0))
  for (const finding of dearest) {
    if (next.some(one => one.lastStep === look.step && one.missed === 0 && isSame(one.finding, finding))) continue
    const held = [...left].find(one => isSame(one.finding, finding))
    if (held !== undefined) left.delete(held)
    const now = seen(held, finding, look, priced)
    next.push(now)
    if (!now.isOpen) continue
    if (held?.isOpen !== true) changes.push({ what: 'opened', finding: now.finding })
    else if (isTold(held, now)) changes.push({ what: 'changed', finding: now.finding })
  }
  for (const held of left) {
    const missed = held.missed + 1
    const isGone = missed >= LOOKS && (!isSteady(held.finding) || look.step - held.lastStep >= CLOSES_AFTER_STEPS)
    if (!isGone) next.push({ ...held, missed })
    else if (held.isOpen) changes.push({ what: 'closed', finding: closed(held) })
  }
  return { holdings: next, changes }
}

/** The run is over: what is open stays as it was seen last. */
export function settle(holdings: Holdings): Change[] {
  return holdings.filter(({ isOpen }) => isOpen).map(held => ({ what: 'closed', finding: closed(held) }))
}

export const openOf = (holdings: Holdings): KeptFinding[] =>
  holdings.filter(({ isOpen }) => isOpen).map(({ finding }) => finding)

/** As the store gave it back: it goes on where it was. */
export function resumed(finding: KeptFinding, look: Look): Held {
  const counts = { firstStep: look.step, lastStep: look.step, lastTime: look.time, seen: LOOKS, missed: 0 }
  return { finding, isOpen: true, ...counts }
}
