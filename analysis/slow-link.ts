/** A card, a switch or its uplink is slow: transfers over it take longer than alike ones that do not cross it. */
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import { costOf } from './cost'
import { defineDetector, type DetectorWindow } from './detector'
import { diagnose, type Diagnosis } from './diagnosis'
import type { Link } from './fabric'
import { listed, NEXT, nodesOf, oneOf } from './link-names'
import { momentOf } from './moment'
import { median } from './statistics'

type Slow = Diagnosis['slowLinks'][number]

const TITLES: Readonly<Record<Slow['where'], (links: readonly Link[]) => string>> = {
  'one of': oneOf,
  behind: links => `What ${listed(nodesOf(links), 'and', 'nodes')} are plugged into`,
  between: links => `The way from ${listed(nodesOf(links), 'and', 'nodes')} to the others`,
}

const PATTERNS: Readonly<Record<Slow['slow']['pattern'], string>> = {
  constant: 'is slow',
  drifting: 'is getting slower',
  intermittent: 'is slow now and then',
  past: 'was slow',
}

/** Medians over the steps from when it is slow, seconds: of the groups that cross it, and of alike ones. */
function measured({ groups }: Diagnosis, { groups: slow, slow: { from, to } }: Slow) {
  if (groups === undefined) return { own: NaN, usual: NaN }
  const { length } = groups.steps
  const pairs = slow.map(group => {
    const cells = Array.from({ length: (to ?? length) - from }, (_, step) => group * length + from + step)
    const own = median(cells.map(cell => groups.seconds[cell] ?? NaN))
    return { own, usual: median(cells.map(cell => (groups.seconds[cell] ?? NaN) / (1 + (groups.excess[cell] ?? NaN)))) }
  })
  // One class may be slow by much and another by little: the dearest is told.
  return pairs.reduce((most, one) => (one.own - one.usual > most.own - most.usual ? one : most), {
    own: 0,
    usual: 0,
  })
}

function toFinding(window: DetectorWindow, diagnosis: Diagnosis, one: Slow): Finding {
  const { where, links, groups, slow, cost } = one
  const { own, usual } = measured(diagnosis, one)
  const kind = where === 'one of' ? (links[0]?.kind ?? 'nic') : where
  const nodes = nodesOf(links)
  const isInferred = diagnosis.fabric?.nodesOf === undefined
  const when = slow.pattern === 'intermittent' ? `, in ${Math.round(slow.share * 100)} % of the steps` : ''
  return {
    detector: 'slow-link',
    run: window.run,
    provenance: isInferred ? 'estimated' : 'derived',
    links: links.map(({ name }) => name),
    ...(nodes.length === 0 ? {} : { nodes }),
    ...costOf(cost, diagnosis.stepSeconds),
    title: `${TITLES[where](links)} ${PATTERNS[slow.pattern]}`,
    evidence:
      `${groups.length === 1 ? 'A group that crosses' : `${groups.length} groups that cross`} ${links.length > 1 ? 'them' : 'it'} ` +
      `take ${Math.round(slow.excess * 100)} % longer than alike ones that do not${when}: ` +
      `up to ${format(own, 'seconds')} a step instead of ${format(usual, 'seconds')} (medians).` +
      `${isInferred ? ' The topology is not known: this is inferred from which groups are slow.' : ''}`,
    since: momentOf(window, diagnosis.matrix.steps[slow.from]),
    nextStep: NEXT[kind],
  }
}

export const slowLink = defineDetector({
  name: 'slow-link',
  help: 'Transfers over a card, a switch or its uplink take longer than alike ones that do not cross it.',
  detect(window) {
    // What the kernel counts of each connection is nearer to the truth: slow-path looks at it.
    if (window.flows !== undefined) return []
    const diagnosis = diagnose(window)
    return diagnosis === undefined ? [] : diagnosis.slowLinks.map(one => toFinding(window, diagnosis, one))
  },
})
