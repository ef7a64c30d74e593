/** One step from an older store to a newer one. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly statements: readonly string[]
  /** What else a store needs that has rows of the version before. */
  readonly upgrade?: readonly string[]
}
