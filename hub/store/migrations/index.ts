/** Migrations in order. A migration that has been released is never changed: a change is a new one. */
import { records } from './0001-records'

export interface Migration {
  readonly version: number
  readonly name: string
  readonly statements: readonly string[]
}

export const migrations: readonly Migration[] = [records]
