/** Cables of a tree of switches; which level a switch is on follows from what hangs under it. */
import type { RecordOf } from '../../wire/records'

export type Cable = RecordOf<'topology'>

const TIERS = ['leaf', 'spine', 'core'] as const
/** A circle of switches would never end. */
const MOST_LEVELS = 16

/** Level by switch: 1 holds nodes only, others are one above the highest switch under them. */
function levelsOf(cables: readonly Cable[]): ReadonlyMap<string, number> {
  const levels = new Map<string, number>()
  for (const { switch: name } of cables) if (name !== undefined) levels.set(name, 1)
  for (let round = 0; round < MOST_LEVELS; round += 1) {
    let changed = false
    for (const { below, switch: name } of cables) {
      if (below === undefined || name === undefined || below === name) continue
      const level = (levels.get(below) ?? 1) + 1
      if (level <= (levels.get(name) ?? 1) || level > MOST_LEVELS) continue
      levels.set(name, level)
      changed = true
    }
    if (!changed) break
  }
  return levels
}

/** Fills in the tier of each cable that has none: of the switch that it goes up to. */
export function withTiers(cables: readonly Cable[]): Cable[] {
  const levels = levelsOf(cables)
  return cables.map(cable => {
    const tier = TIERS[(levels.get(cable.switch ?? '') ?? 0) - 1]
    return cable.tier !== undefined || tier === undefined ? cable : { ...cable, tier }
  })
}
