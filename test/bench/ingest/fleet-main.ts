/**
 * The fleet as a process: `fleet-main.ts NODES HUB` sends frames of all nodes at 1 Hz through the agents' own uplink, with
 * `idle` behind it of devices that no run is on; `fleet-main.ts NODES` alone serves the pages for Prometheus. Tells its
 * parent each second what was acknowledged.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Outbox } from '../../../agent/spool'
import { Uplink } from '../../../agent/uplink'
import { encodeFrame } from '../../../wire/frame'
import { GPUS, METRICS, SimulatedNode } from './fleet'

export interface FleetReport {
  port?: number
  /** GPU samples since the start. */
  made: number
  acknowledged: number
  pages: number
  /** Seconds from sample to acknowledgement, since the last report. */
  delays: number[]
  connected: number
}

/** A spool without a disk: what is measured is the way to the hub and behind it. */
class Memory implements Outbox {
  readonly folder = ''
  private readonly entries: { sequence: number; frame: Buffer; times: readonly number[] }[] = []
  private sequence = 0

  constructor(
    readonly agent: string,
    private readonly acknowledged: (times: readonly number[]) => void,
  ) {}

  get pending(): number {
    return this.entries.length
  }
  append(frame: Buffer, times: readonly number[]): void {
    this.sequence += 1
    this.entries.push({ sequence: this.sequence, frame, times })
  }
  next(after: number) {
    return this.entries.find(({ sequence }) => sequence > after)
  }
  acknowledge(sequence: number): void {
    while ((this.entries[0]?.sequence ?? Infinity) <= sequence) this.acknowledged(this.entries.shift()?.times ?? [])
  }
}

const [count = '1', hub, idle] = process.argv.slice(2)
const nodes = Array.from({ length: Number(count) }, (_, number) => new SimulatedNode(number, idle === undefined))
const report: FleetReport = { made: 0, acknowledged: 0, pages: 0, delays: [], connected: 0 }
const PER_SECOND = GPUS * METRICS
setInterval(() => {
  process.send?.(report)
  report.delays = []
}, 1000)

/** Each node has its moment of the second, from when all are connected: what would wait until then is not what is measured. */
function sendTo(url: string): void {
  let start: number | undefined
  const log = (line: string) => line.includes('error') && console.error(line)
  const links = nodes.map(node => {
    const outbox = new Memory(`bench-${process.pid}-${node.name}`, times => {
      const now = Date.now() / 1000
      report.acknowledged += times.length * PER_SECOND
      for (const time of times) report.delays.push(now - time)
    })
    return {
      node,
      outbox,
      uplink: new Uplink({ hub: url, token: '', node: node.name, spool: outbox, log }),
    }
  })
  let due = 0
  setInterval(() => {
    report.connected = links.filter(({ uplink }) => uplink.state === 'sending').length
    if (report.connected === links.length) start ??= Date.now()
    if (start === undefined) return
    const until = ((Date.now() - start) / 1000) * links.length
    for (; due < until; due += 1) {
      const link = links[due % links.length]
      if (link === undefined) return
      const now = Date.now() / 1000
      link.node.sample(now)
      report.made += PER_SECOND
      if (!link.uplink.isDue()) continue
      const { batch, times } = link.node.take()
      link.outbox.append(encodeFrame(batch), times)
      link.uplink.kick()
    }
  }, 10)
}

function servePages(): void {
  const server = createServer((request, response) => {
    const node = nodes[Number(request.url?.slice(3))]
    report.pages += 1
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(node?.page())
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => (report.port = (server.address() as AddressInfo).port))
}

if (hub === undefined) servePages()
else sendTo(hub)
