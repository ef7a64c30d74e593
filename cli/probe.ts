/** `plumbline probe`: measures between idle nodes what a run only hints at, to be sure before a drain. */
import { z } from 'zod'
import { PlumblineError } from '../base/errors'
import { grouped } from '../base/grouped'
import { format } from '../base/units'
import { probeVerdicts } from '../analysis/probe-verdict'
import { median } from '../analysis/statistics'
import { localHost } from '../collectors/host'
import { readTopology } from '../collectors/topology'
import type { RecordOf } from '../wire/records'
import type { ProbeVerdict } from '../wire/probe'
import { defineCommand } from './command'
import { hubAnswers } from './hub-answers'
import { listen } from './probe/listener'
import { probe, type ProbeResult } from './probe/probing'
import { keep } from './probe/records'
import { PROBE_PORT, question, type Address } from './probe/wire'
import { newRunId } from './run-id'
import { hubUrl, type PlumblineSettings } from './settings'

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

const optionsSchema = z.object({
  secret: z.string().default(''),
  at: z.string().default(`0.0.0.0:${PROBE_PORT}`),
  streams: z.coerce.number().int().min(1).max(64).default(4),
  seconds: z.coerce.number().min(0.05).max(60).default(0.5),
  python: z.string().default('python3'),
  torch: z.boolean().default(true),
  tell: z.boolean().default(true),
  stay: z.boolean().default(false),
  json: z.boolean().default(false),
  listen: z.boolean().default(false),
})
type Options = z.infer<typeof optionsSchema>

/** `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`. Throws PlumblineError for what is neither. */
export function addressOf(text: string): Address {
  const [, bracketed, plain = '', port = String(PROBE_PORT)] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host !== '' && Number(port) <= 65_535) return { host, port: Number(port) }
  throw new PlumblineError(`${text} is no node`, { fix: 'write HOST or HOST:PORT' })
}

async function wait({ at, secret }: Options): Promise<number> {
  const address = addressOf(at)
  if (secret === '' && !LOOPBACK.has(address.host))
    throw new PlumblineError('whoever reaches this node could make it send', {
      fix: 'give all nodes the same --secret, such as the id of the job',
    })
  const listening = await listen(address, secret)
  console.error(`plumbline: a probe may come at port ${listening.port}; Ctrl-C ends it`)
  const interrupted = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
  })
  await Promise.race([listening.ended, interrupted])
  listening.close()
  return 0
}

/** Nodes of one leaf reduce together: those that are slow show which leaf it is. */
const leavesOf = (cables: readonly RecordOf<'topology'>[]) => (nodes: readonly string[]) => {
  const below = cables.filter(({ node, tier }) => nodes.includes(node ?? '') && (tier === undefined || tier === 'leaf'))
  const leaves = grouped(below, ({ switch: leaf }) => leaf)
  return [...leaves.values()].map(own => [...new Set(own.flatMap(({ node }) => node ?? []))])
}

const speed = (bytesPerSecond: number) => format(8 * bytesPerSecond, 'bitsPerSecond')

/** Ways as a table of senders and receivers, then devices, groups, and what is slow. */
function describe(
  { nodes, pairs, products, groups, failures }: ProbeResult,
  verdicts: readonly ProbeVerdict[],
): string {
  const width = Math.max(10, ...nodes.map(({ length }) => length)) + 2
  const cell = (text: string) => text.padStart(width)
  const reached = new Map(pairs.map(pair => [`${pair.from} ${pair.to}`, speed(pair.bytesPerSecond)]))
  const row = (from: string) =>
    nodes.map(to => cell(from === to ? '·' : (reached.get(`${from} ${to}`) ?? '–'))).join('')
  const trip = median(pairs.map(({ roundTripSeconds }) => roundTripSeconds))
  return [
    `${'from, to'.padEnd(width)}${nodes.map(cell).join('')}`,
    ...nodes.map(from => `${from.padEnd(width)}${row(from)}`),
    `round trip of a byte: ${format(trip, 'seconds')} (median)`,
    ...products.map(
      ({ node, device, name, dtype, flopsPerSecond }) =>
        `matmul on ${device} of ${node} (${name}, ${dtype}): ${format(flopsPerSecond, 'flopsPerSecond')}`,
    ),
    ...groups.map(
      ({ nodes: members, backend, busBytesPerSecond }) =>
        `all-reduce of ${members.join(', ')} (${backend}): ${speed(busBytesPerSecond)} of bus bandwidth`,
    ),
    ...failures.map(failure => `not measured: ${failure}`),
    ...verdicts.map(({ title, evidence }) => `${title}: ${evidence}`),
    ...(verdicts.length === 0 ? ['Nothing stands out.'] : []),
  ].join('\n')
}

async function keptBy(settings: PlumblineSettings, result: ProbeResult, say: (line: string) => void): Promise<void> {
  const hub = hubUrl(settings)
  if (!(await hubAnswers(hub))) return say(`no hub answers at ${hub}: what was measured is kept nowhere but here`)
  await keep(result, newRunId(), hub, settings)
  say(`kept by ${hub}: the runs of these nodes show it`)
}

async function measure(names: readonly string[], options: Options, settings: PlumblineSettings): Promise<number> {
  const addresses = names.map(addressOf)
  const say = (line: string) => void (options.json || console.error(`plumbline: ${line}`))
  const { streams, seconds, python, secret: token, torch: hasTorch } = options
  const cables = settings.topology === '' ? undefined : await readTopology(localHost(), settings.topology)
  try {
    const result = await probe({ addresses, token, streams, seconds, python, hasTorch, say }, leavesOf(cables ?? []))
    const verdicts = probeVerdicts(result.pairs, result.products, cables)
    console.log(options.json ? JSON.stringify({ ...result, verdicts }) : describe(result, verdicts))
    if (options.tell) await keptBy(settings, result, say)
    return verdicts.length + result.failures.length > 0 ? 1 : 0
  } finally {
    // Who is gone already needs no word.
    if (!options.stay)
      await Promise.allSettled(addresses.map(address => question(address, token, { ask: 'end' }, z.looseObject({}))))
  }
}

export const command = defineCommand({
  settings: ['hub', 'port', 'token', 'data', 'topology'],
  configure: command => {
    command
      .argument('[nodes...]', 'HOST or HOST:PORT of each node, where `plumbline probe --listen` runs')
      .option('--listen', 'wait on this node for a probe; it sends only to other nodes that wait')
      .option('--secret <text>', 'the same on all nodes of a probe: who does not know it is refused')
      .option('--at <host:port>', `where to wait (0.0.0.0:${PROBE_PORT})`)
      .option('--streams <n>', 'TCP streams side by side (4)')
      .option('--seconds <s>', 'of each way (0.5); a slow one takes longer')
      .option('--python <command>', 'with torch, for matrix products and all-reduces (python3)')
      .option('--no-torch', 'only ways between nodes')
      .option('--no-tell', 'do not tell the hub')
      .option('--stay', 'let the nodes wait on for another probe')
      .addHelpText(
        'after',
        `
On idle nodes, for instance within a Slurm job of one task a node:
  srun plumbline probe --listen --secret $SLURM_JOB_ID &
  plumbline probe $(scontrol show hostnames) --secret $SLURM_JOB_ID --topology /etc/slurm/topology.conf
One TCP process reaches some 20 to 30 Gbit/s: it tells a slow way from its like. What NCCL reaches, the all-reduces say.
The exit code is 1 where something is slow or does not answer.`,
      )
  },
  run({ arguments: names, options: given, settings }) {
    const read = optionsSchema.safeParse(given)
    if (!read.success) throw new PlumblineError(z.prettifyError(read.error), { fix: 'see plumbline probe --help' })
    if (read.data.listen) return wait(read.data)
    if (names.length < 2)
      throw new PlumblineError('a probe takes two nodes or more', {
        fix: 'start `plumbline probe --listen` on each, then name them here',
      })
    return measure(names, read.data, settings)
  },
})
