/** Migrations in order. A migration that has been released is never changed: a change is a new one. */
import { records } from './0001-records'
import { topology } from './0002-topology'
import { deviceExporters } from './0003-device-exporters'
import type { Migration } from './migration'

export const migrations: readonly Migration[] = [records, topology, deviceExporters]
