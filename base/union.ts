/** Numbers from 0 on that are joined bit by bit into sets (union-find, paths halved). */
export class Union {
  private readonly parent: Int32Array

  constructor(count: number) {
    this.parent = Int32Array.from({ length: count }, (_, number) => number)
  }

  /** The same for all numbers of a set. */
  root(number: number): number {
    let at = number
    while (this.parent[at] !== at) at = this.parent[at] = this.parent[this.parent[at] ?? at] ?? at
    return at
  }

  join(one: number, other: number): void {
    this.parent[this.root(one)] = this.root(other)
  }
}
