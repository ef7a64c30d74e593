/** Whether findings name what was done to the fleet. */
import type { DetectorWindow } from '../../../analysis/detector'
import { cardName, type Layout } from '../../../cli/simulate/layout'
import type { Fault } from '../../../cli/simulate/faults'
import { cardsBySwitch } from './cases'

/** What a method blames: ranks, or links as the detectors call them. */
export interface Blame {
  readonly ranks: readonly number[]
  readonly links: readonly string[]
  /** Seconds per step; undefined where the method does not say. */
  readonly cost?: number | undefined
  /** Unix seconds. */
  readonly since?: number | undefined
}

export interface Method {
  readonly name: string
  readonly isOfLinks: boolean
  blames(window: DetectorWindow): Blame[]
}

export interface Verdict {
  readonly isFound: boolean
  /** Blames of what is innocent. */
  readonly wrong: number
  readonly cost: number | undefined
  readonly since: number | undefined
}

/** Half of a node's ranks are enough to send someone there. */
const ENOUGH = 0.5

export function judge(
  blames: readonly Blame[],
  fault: Fault | undefined,
  layout: Layout,
  hasTopology: boolean,
): Verdict {
  if (fault === undefined) return { isFound: false, wrong: blames.length, cost: undefined, since: undefined }
  const isRight = (blame: Blame) =>
    fault.kind === 'link'
      ? blame.links.length > 0 && namesLink(blame.links, fault.links[0] ?? '', layout, hasTopology)
      : blame.ranks.length > 0 && blame.ranks.every(rank => fault.ranks.includes(rank))
  const right = blames.filter(isRight)
  const found = new Set(right.flatMap(({ ranks }) => ranks))
  const isFound = fault.kind === 'link' ? right.length > 0 : found.size >= ENOUGH * fault.ranks.length
  const costs = right.flatMap(({ cost }) => cost ?? [])
  return {
    isFound,
    wrong: blames.length - right.length,
    cost: costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0),
    since: right[0]?.since,
  }
}

/** A card by its name; a switch by the first that is named, or by the cards that are said to share it. */
function namesLink(links: readonly string[], truth: string, layout: Layout, hasTopology: boolean): boolean {
  const [kind = '', own = '', card = ''] = truth.split(' ')
  if (kind === 'nic') {
    const number = Array.from({ length: layout.shape.gpusPerNode }, (_, index) => index).find(
      index => cardName(index) === card,
    )
    return links[0] === (hasTopology ? truth : `nic ${own} ${number ?? ''}`)
  }
  if (hasTopology) return links[0]?.startsWith('nic ') === false && links[0].split(' ')[1] === own
  return switchOf(links, layout) === own
}

/** The switch whose cards are most like those that are blamed; undefined where none is like them by half. */
function switchOf(links: readonly string[], layout: Layout): string | undefined {
  const blamed = new Set(links.map(name => name.replace(/^nic /, '')))
  let [best, most] = [undefined as string | undefined, ENOUGH]
  for (const [name, cards] of cardsBySwitch(layout)) {
    const both = [...cards].filter(card => blamed.has(card)).length
    const likeness = both / (cards.size + blamed.size - both)
    if (likeness > most) [best, most] = [name, likeness]
  }
  return best
}
