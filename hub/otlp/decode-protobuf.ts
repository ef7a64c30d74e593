/**
 * ExportMetricsServiceRequest in Protocol Buffers, point by point. Numbers of fields are those of
 * https://github.com/open-telemetry/opentelemetry-proto (metrics/v1/metrics.proto, common/v1/common.proto). Fields may come in
 * any order: what a point needs of its message is looked for first.
 */
import { DELTA, MAX_ATTRIBUTES, NO_RECORDED_VALUE, secondsOf, type Labels, type Point } from './point'
import { fieldsOf, messagesOf } from '../../base/protobuf'

/** AnyValue: text, boolean, integer or double; lists and bytes are no labels. */
function anyValue(message: Buffer): string | undefined {
  for (const { number, value, bytes } of fieldsOf(message)) {
    if (number === 1) return bytes.toString('utf8')
    if (number === 2) return value === 0n ? 'false' : 'true'
    if (number === 3) return String(BigInt.asIntN(64, value))
    if (number === 4 && bytes.length === 8) return String(bytes.readDoubleLE())
  }
  return undefined
}

/** Repeated KeyValue in the field of this number. */
function attributesOf(message: Buffer, number: number): Labels {
  const labels: Labels = {}
  let count = 0
  for (const pair of messagesOf(message, number)) {
    if ((count += 1) > MAX_ATTRIBUTES) break
    let key = ''
    let value: string | undefined
    for (const field of fieldsOf(pair)) {
      if (field.number === 1) key = field.bytes.toString('utf8')
      else if (field.number === 2) value = anyValue(field.bytes)
    }
    if (value !== undefined && key !== '__proto__') labels[key] = value
  }
  return labels
}

/** NumberDataPoint. */
function numberPoint(message: Buffer, name: string): Point['sample'] {
  let value = NaN
  let time: number | undefined
  let flags = 0n
  for (const field of fieldsOf(message)) {
    const { number, bytes } = field
    if (number === 3 && bytes.length === 8) time = secondsOf(Number(bytes.readBigUInt64LE()))
    else if (number === 4 && bytes.length === 8) value = bytes.readDoubleLE()
    else if (number === 6 && bytes.length === 8) value = Number(bytes.readBigInt64LE())
    else if (number === 8) flags = field.value
  }
  if (Number(flags) & NO_RECORDED_VALUE) return undefined
  return { name, labels: attributesOf(message, 7), value, time }
}

/** Metric: name 1, then one of gauge 5, sum 7, histogram 9, exponential histogram 10, summary 11. */
function* pointsOf(metric: Buffer, resource: Labels): Generator<Point> {
  let name = ''
  for (const { number, bytes } of fieldsOf(metric)) if (number === 1) name = bytes.toString('utf8')
  for (const { number, wire, bytes: data } of fieldsOf(metric)) {
    if (wire !== 2 || number < 5) continue
    let readable = number === 5 || number === 7
    if (number === 7)
      for (const field of fieldsOf(data)) if (field.number === 2 && field.value === BigInt(DELTA)) readable = false
    if ([5, 7, 9, 10, 11].includes(number))
      for (const point of messagesOf(data, 1))
        yield { resource, sample: readable ? numberPoint(point, name) : undefined }
  }
}

/** Throws ProtobufError where the bytes are no such message. */
export function* decodeProtobuf(request: Buffer): Generator<Point> {
  for (const resourceMetrics of messagesOf(request, 1)) {
    let resource: Labels = {}
    for (const message of messagesOf(resourceMetrics, 1)) resource = attributesOf(message, 1)
    for (const scopeMetrics of messagesOf(resourceMetrics, 2))
      for (const metric of messagesOf(scopeMetrics, 2)) yield* pointsOf(metric, resource)
  }
}
