/** Answers of OTLP/HTTP, in the encoding of the request: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response */
import { encodeField } from '../../base/protobuf'

export type Encoding = 'application/json' | 'application/x-protobuf'

export interface Outcome {
  readonly status: number
  /** Points that were not stored, and why; or what was wrong with the request. */
  readonly rejected: number
  readonly message: string
  /** What the sender can do about it. */
  readonly fix?: string
}

/** Codes of google.rpc.Status by HTTP status: https://grpc.io/docs/guides/status-codes/ */
const CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 413: 8, 415: 3, 429: 8, 503: 14 }

/** ExportMetricsServiceResponse where it was taken, Status where not. A full success says nothing more. */
export function encodeAnswer({ status, rejected, message, fix }: Outcome, encoding: Encoding): Buffer {
  const text = fix === undefined ? message : `${message} (${fix})`
  if (status !== 200) {
    const code = CODES[status] ?? 2
    return encoding === 'application/json'
      ? Buffer.from(JSON.stringify({ code, message: text }))
      : Buffer.concat([encodeField(1, code), encodeField(2, text)])
  }
  const whole = rejected === 0 && message === ''
  if (encoding === 'application/json') {
    const partialSuccess = { rejectedDataPoints: String(rejected), errorMessage: text }
    return Buffer.from(JSON.stringify(whole ? {} : { partialSuccess }))
  }
  return whole ? Buffer.alloc(0) : encodeField(1, Buffer.concat([encodeField(1, rejected), encodeField(2, text)]))
}
