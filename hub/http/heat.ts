/** Ranks over time: all of them as a map, one of them among its peers. */
import { z } from 'zod'
import type { PeerSeries } from '../../wire/api'
import { encodeHeat, isHeatMetric, type HeatMetricName } from '../../wire/heat'
import { HttpError, rangeOf, readQuery, runOf, type Call } from './endpoint'

const rankSchema = z.object({ rank: z.coerce.number().int().min(0) })

/** Several are parted by commas. */
function metricsOf({ query }: Call): HeatMetricName[] {
  return (query.get('metric') ?? 'stepSeconds').split(',').map(metric => {
    if (isHeatMetric(metric)) return metric
    throw new HttpError(400, `there is no metric "${metric}" of ranks`, 'see HEAT_METRICS in wire/heat.ts')
  })
}

/** The response is written here. */
export async function heat(call: Call): Promise<undefined> {
  const facts = runOf(call)
  const [metric = 'stepSeconds'] = metricsOf(call)
  const map = await call.hub.views.heat(facts, metric, rangeOf(call, facts), call.query.get('since') ?? undefined)
  call.response.writeHead(200, { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' })
  call.response.end(encodeHeat(map))
  return undefined
}

export function peers(call: Call): Promise<PeerSeries[]> {
  const facts = runOf(call)
  const { rank } = readQuery(rankSchema, call.query)
  return call.hub.views.peers(facts, metricsOf(call), rank, rangeOf(call, facts))
}
