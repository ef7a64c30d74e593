/**
 * Prometheus remote write 1.0, for clusters where nothing may connect to the nodes:
 * https://prometheus.io/docs/specs/prw/remote_write_spec/
 */
import { messageOf } from '../base/errors'
import { encodeDouble, encodeField } from '../base/protobuf'
import { varint } from '../base/varint'
import { exportedSeries, Newest, type Exporter, type Series } from './series'

const EVERY_MS = 10_000
const TIMEOUT_MS = 5_000

/** `TimeSeries` with its labels in order and one sample. */
function timeSeries({ name, labels, value }: Series, milliseconds: number): Buffer {
  const named = Object.entries({ ...labels, __name__: name }).filter(([, text]) => text !== '')
  const sorted = named.sort(([a], [b]) => (a < b ? -1 : 1))
  const sample = Buffer.concat([encodeDouble(1, value), encodeField(2, milliseconds)])
  return Buffer.concat([
    ...sorted.map(([label, text]) => encodeField(1, Buffer.concat([encodeField(1, label), encodeField(2, text)]))),
    encodeField(2, sample),
  ])
}

/** `WriteRequest` of these series, all of the same moment. */
export function writeRequest(series: readonly Series[], milliseconds: number): Buffer {
  return Buffer.concat(series.map(one => encodeField(1, timeSeries(one, milliseconds))))
}

/** The block format of snappy, which the protocol asks for, all of it literals: https://github.com/google/snappy/blob/main/format_description.txt */
export function snappyLiterals(bytes: Buffer): Buffer {
  const parts = [varint(bytes.length)]
  for (let at = 0; at < bytes.length; at += 65_536) {
    const chunk = bytes.subarray(at, at + 65_536)
    const length = Buffer.alloc(2)
    length.writeUInt16LE(chunk.length - 1)
    parts.push(Buffer.from([61 << 2]), length, chunk)
  }
  return Buffer.concat(parts)
}

async function post(url: string, series: readonly Series[]): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    },
    body: new Uint8Array(snappyLiterals(writeRequest(series, Date.now()))),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).trim().slice(0, 200)}`)
}

/** Sends the newest of each series every ten seconds. What the receiver does not take is lost, and that is said once. */
export function openRemoteWrite(url: string, log: (line: string) => void): Exporter {
  const newest = new Newest()
  let well = true
  const send = async () => {
    const series = [...newest.names].flatMap(name => newest.of(name))
    if (series.length === 0) return
    try {
      await post(url, series)
      well = true
    } catch (error) {
      if (well)
        log(`error: remote write to ${url}: ${messageOf(error)}\nfix: check --remote-write; figures are sent on`)
      well = false
    }
  }
  const timer = setInterval(() => void send(), EVERY_MS)
  return {
    observe: batch => exportedSeries(batch).forEach(series => newest.set(series)),
    async close() {
      clearInterval(timer)
      await send()
    },
  }
}
