/** Migrations in order. A migration that has been released is never changed: a change is a new one. */
import { records } from './0001-records'
import { network } from './0016-network'
import type { Migration } from './migration'

export const migrations: readonly Migration[] = [records, network]
