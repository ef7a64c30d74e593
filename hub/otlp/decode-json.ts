/**
 * ExportMetricsServiceRequest in JSON, point by point: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. Names
 * are in camel case, 64-bit integers may be texts. What is not as it should be is passed over.
 */
import { DELTA, MAX_ATTRIBUTES, NO_RECORDED_VALUE, secondsOf, type Labels, type Point } from './point'

type Fields = Readonly<Record<string, unknown>>

const fieldsIn = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : [])
const numberIn = (value: unknown): number =>
  typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN

function labelsIn(attributes: unknown): Labels {
  const labels: Labels = {}
  for (const pair of listIn(attributes).slice(0, MAX_ATTRIBUTES)) {
    const { key, value } = fieldsIn(pair)
    const any = fieldsIn(value)
    const told = any['stringValue'] ?? any['boolValue'] ?? any['intValue'] ?? any['doubleValue']
    if (typeof key !== 'string' || key === '__proto__') continue
    if (typeof told === 'string' || typeof told === 'number' || typeof told === 'boolean') labels[key] = String(told)
  }
  return labels
}

function numberPoint(point: Fields, name: string): Point['sample'] {
  if (numberIn(point['flags']) & NO_RECORDED_VALUE) return undefined
  const value = numberIn(point['asDouble'] ?? point['asInt'])
  return { name, labels: labelsIn(point['attributes']), value, time: secondsOf(numberIn(point['timeUnixNano'])) }
}

function* pointsOf(metric: Fields, resource: Labels): Generator<Point> {
  const name = typeof metric['name'] === 'string' ? metric['name'] : ''
  for (const kind of ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']) {
    const data = fieldsIn(metric[kind])
    const temporality = data['aggregationTemporality']
    const isDelta = temporality === DELTA || temporality === 'AGGREGATION_TEMPORALITY_DELTA'
    const readable = kind === 'gauge' || (kind === 'sum' && !isDelta)
    for (const point of listIn(data['dataPoints']))
      yield { resource, sample: readable ? numberPoint(fieldsIn(point), name) : undefined }
  }
}

/** Throws SyntaxError where the text is no JSON; a JSON of something else has no points. */
export function* decodeJson(text: string): Generator<Point> {
  for (const one of listIn(fieldsIn(JSON.parse(text))['resourceMetrics'])) {
    const resourceMetrics = fieldsIn(one)
    const resource = labelsIn(fieldsIn(resourceMetrics['resource'])['attributes'])
    for (const scope of listIn(resourceMetrics['scopeMetrics']))
      for (const metric of listIn(fieldsIn(scope)['metrics'])) yield* pointsOf(fieldsIn(metric), resource)
  }
}
