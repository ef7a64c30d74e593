import type { Link } from './fabric'
import type { GroupMatrix } from './group-matrix'

/**
 * Whether groups that are alike with the slow ones, and do not cross the links, are well. Where none of them is, all are slow
 * together: that is the fabric's, or another job's, and no single link is why.
 */
export function isBesideWell(
  { classes }: GroupMatrix,
  links: readonly Link[],
  slow: Iterable<number>,
  isWell: (group: number) => boolean,
): boolean {
  const crossing = new Set(links.flatMap(link => link.groups))
  const kinds = new Set(Array.from(slow, group => classes[group]))
  return classes.some((kind, group) => kind !== undefined && kinds.has(kind) && !crossing.has(group) && isWell(group))
}
