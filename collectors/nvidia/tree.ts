/** What `nvidia-smi -q` says, as XML or as indented text: names within names, with a value at the ends. */
export interface Branch {
  readonly name: string
  /** The value; empty where only children stand. */
  text: string
  readonly children: Branch[]
}

export const branch = (name: string, text = ''): Branch => ({ name, text, children: [] })

/** The children of this name. */
export const all = (of: Branch | undefined, name: string): Branch[] =>
  of?.children.filter(child => child.name === name) ?? []

/** The first descendant along a path such as `clocks/sm_clock`. */
export function at(of: Branch, path: string): Branch | undefined {
  let here: Branch | undefined = of
  for (const name of path.split('/')) here = here?.children.find(child => child.name === name)
  return here
}

/** All descendants, depth first. */
export function* within(of: Branch | undefined): Generator<Branch> {
  for (const child of of?.children ?? []) {
    yield child
    yield* within(child)
  }
}
