/** What a collector finds here: it is asked, and one of the node itself is tried. */
import { sleep } from '../../base/clock'
import { messageOf, PlumblineError } from '../../base/errors'
import type { Collector, CollectorSettings } from '../../collectors/collector'
import type { Host } from '../../collectors/host'
import { Batch } from '../../wire/table'
import type { PlumblineSettings } from '../settings'
import { absent, failed, ok, type Check, type Finding } from './check'

/** Where the driver is not kept loaded (`nvidia-smi -pm 1`), or the machine is busy, a tool takes its time. */
const TRY_MS = 20_000
const PAUSE_MS = 200
const BY_HAND = 'try again when the machine is less busy; if it stays so, run the tool behind it by hand'

function collectorSettings({ intervalMs, logs, logFormats, scrape, topology }: PlumblineSettings): CollectorSettings {
  return {
    intervalMs: Math.min(intervalMs, 1000),
    logs,
    logFormats,
    scrape,
    topology,
    run: undefined,
    fromStart: false,
    synthetic: false,
  }
}

/** Collects as the agent would, until something came or failed. */
async function tryOnce(
  collector: Collector,
  host: Host,
  settings: CollectorSettings,
  detail: string,
): Promise<Finding> {
  const batch = new Batch()
  const warnings: string[] = []
  const warn = (message: string) => warnings.push(message)
  const session = await collector.open({ host, settings, batch: () => batch, cursor: undefined, warn })
  const until = Date.now() + TRY_MS
  try {
    while (Date.now() < until) {
      await session.collect()
      if (batch.rows > 0 || collector.quiet === true) return ok([detail, ...warnings].join('; '))
      await sleep(PAUSE_MS)
    }
    return failed(`${detail}; no sample came within ${TRY_MS / 1000} s`, BY_HAND)
  } catch (error) {
    return failed(messageOf(error), (error instanceof PlumblineError ? error.fix : undefined) ?? BY_HAND)
  } finally {
    await session.close()
  }
}

export function collectorCheck(collector: Collector): Check {
  return {
    name: collector.name,
    needed: false,
    async run(host, values) {
      const settings = collectorSettings(values)
      const found = await collector.detect(host, settings)
      if (!found.available) return absent(found.why, found.fix)
      return collector.scope === 'node' ? tryOnce(collector, host, settings, found.detail) : ok(found.detail)
    },
  }
}
