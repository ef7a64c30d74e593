/** Migrations in order. A migration that has been released is never changed: a change is a new one. */
import { records } from './0001-records'
import { paths } from './0002-paths'
import { deviceExporters } from './0003-device-exporters'
import { network } from './0004-network'
import { findings } from './0005-findings'
import { memory } from './0006-memory'
import { delivered } from './0007-delivered'
import { codecs } from './0008-codecs'
import { collectiveEvents } from './0009-collective-events'
import { findingCosts } from './0010-finding-costs'
import { scale } from './0011-scale'
import { probeDetails } from './0012-probe-details'
import { lines } from './0013-lines'
import { days } from './0014-days'
import { rollUps } from './0015-roll-ups'
import { rateCodecs } from './0016-rate-codecs'
import { stepSenders } from './0017-step-senders'
import { stepTimes } from './0018-step-times'
import { deviceCodecs } from './0019-device-codecs'
import { stepPhases } from './0020-step-phases'
import type { Migration } from './migration'

export const migrations: readonly Migration[] = [
  ...[records, paths, deviceExporters, network],
  ...[findings, memory, delivered, codecs, collectiveEvents, findingCosts],
  ...[scale, probeDetails, lines, days, rollUps, rateCodecs, stepSenders, stepTimes, deviceCodecs],
  stepPhases,
]
