/** Every setting of Plumbline. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Setting, Settings as Values } from '../base/config'
import { KEPT, keepSchema } from '../hub/roll-ups/retention'
import { DEFAULT_LIMITS, LIMIT_NAMES, limitsSchema } from '../wire/limits'
import { userPatternSchema, type UserPattern } from '../collectors/logs/user-pattern'

const setting = <T>(schema: z.ZodType<T>, fallback: T, help: string): Setting<T> => ({
  schema,
  default: fallback,
  help,
})
const url = z.union([z.literal(''), z.url({ protocol: /^https?$/, error: 'give it as http://HOST:PORT' })])
const list = z.union([z.array(z.string()), z.string().transform(text => text.split(',').filter(Boolean))])
const urls = list.refine(all => all.every(one => URL.canParse(one) && /^https?:/.test(one)), {
  error: 'give each as http://HOST:PORT/metrics',
})

/** In the file a list; as a flag or in the environment JSON. */
const patterns = z.preprocess((value, context) => {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    context.addIssue({ code: 'custom', message: 'not JSON' })
    return z.NEVER
  }
}, z.array(userPatternSchema))

export const settings = {
  port: setting(z.coerce.number().int().min(0).max(65_535), 3000, 'port of the hub and its page; 0 takes a free one'),
  host: setting(z.string().min(1), '127.0.0.1', 'address that the hub listens on'),
  data: setting(z.string().min(1), join(homedir(), '.local/share/plumbline'), 'folder for the store and the spools'),
  store: setting(url, '', 'URL of a ClickHouse server; empty for the embedded store in the data folder'),
  keep: setting(
    keepSchema,
    KEPT,
    'how long what is kept, by age, size or both (14d/200GB); what is not named stays at its default',
  ),
  storeCluster: setting(
    z.string().regex(/^\w*$/, 'letters, digits and _'),
    '',
    'name of the cluster that --store is a server of: tables are replicated and spread over its shards',
  ),
  redis: setting(
    z.union([z.literal(''), z.url({ protocol: /^rediss?$/, error: 'give it as redis://HOST:PORT' })]),
    '',
    'URL of Redis, for several hubs on one --store behind a load balancer; empty for a hub alone',
  ),
  leaseSeconds: setting(
    z.coerce.number().min(2).max(120),
    15,
    'how long a hub of several may be silent before others take its agents and runs',
  ),
  hub: setting(url, '', 'URL of the hub that agents report to; empty for http://HOST:PORT of this machine'),
  token: setting(z.string(), '', 'secret that agents must show; empty asks for none'),
  viewToken: setting(
    z.string(),
    '',
    'secret that viewers must show; empty asks for none on the loopback, and for --token elsewhere',
  ),
  tlsCertificate: setting(z.string(), '', 'PEM file of the hub’s certificate; with --tls-key it speaks TLS'),
  tlsKey: setting(z.string(), '', 'PEM file of the key of that certificate'),
  agentLimits: setting(
    limitsSchema,
    DEFAULT_LIMITS,
    `what the hub takes of one agent, NAME=NUMBER with commas between: ${LIMIT_NAMES.join(', ')}`,
  ),
  cpuRatio: setting(
    z.coerce.number().min(0).max(64),
    0.05,
    'share of one processor that the agent may take before it looks less often; 0 for no bound',
  ),
  niceness: setting(
    z.coerce.number().int().min(0).max(19),
    10,
    'how far the agent stands back for others at the processor and the disk, 0 to 19',
  ),
  intervalMs: setting(z.coerce.number().int().min(100).max(3_600_000), 1000, 'milliseconds between device samples'),
  logs: setting(list, [] as string[], 'globs of training logs to follow, with commas between'),
  logFormats: setting(
    patterns,
    [] as UserPattern[],
    'log formats of your own: name, step (a regular expression whose named groups are fields), scale, evaluation, checkpoint; as JSON',
  ),
  scrape: setting(
    urls,
    [] as string[],
    'pages of Prometheus exporters to read, http://HOST:PORT/metrics, with commas between',
  ),
  topology: setting(
    z.string(),
    '',
    'file that says which node is on which switch: Slurm’s topology.conf or .yaml, ibnetdiscover’s output, nodes of Kubernetes',
  ),
  spoolBytes: setting(
    z.coerce.number().int().min(1_048_576),
    268_435_456,
    'most bytes an agent keeps on disk while the hub is away',
  ),
  metricsPort: setting(
    z.coerce.number().int().min(0).max(65_535).or(z.literal(-1)),
    -1,
    'port of the agent’s own /metrics; -1 for none, 0 for a free one',
  ),
  notify: setting(
    list.refine(all => all.every(one => URL.canParse(one) && /^https?:/.test(one)), {
      error: 'give each as https://…',
    }),
    [] as string[],
    'addresses that are told of findings: webhooks, or those of Slack and its kin; with commas between',
  ),
  notifySecret: setting(z.string(), '', 'secret that signs what webhooks are told (HMAC-SHA256); empty for none'),
  pricePerGpuHour: setting(
    z.coerce.number().min(0),
    0,
    'price of one GPU for an hour: what holds a run back is told in money too; 0 for not known',
  ),
  currency: setting(z.string().max(8), '', 'of that price, as it is to be shown: USD, €, …'),
  publicUrl: setting(url, '', 'how others reach the page, for links in notifications; empty for http://HOST:PORT'),
  metricsHost: setting(z.string().min(1), '127.0.0.1', 'address of the agent’s own /metrics'),
  otlp: setting(url, '', 'OTLP/HTTP endpoint to send metrics to; empty for none'),
  otlpTraces: setting(url, '', 'OTLP/HTTP endpoint to send steps and phases to as spans; empty for none'),
  remoteWrite: setting(url, '', 'URL for Prometheus remote write, http://HOST:9090/api/v1/write; empty for none'),
}
export type PlumblineSettings = Values<typeof settings>
/** The settings of an agent that say where its figures are given away. */
export const EXPORTS = ['metricsPort', 'metricsHost', 'otlp', 'otlpTraces', 'remoteWrite'] as const

/** The hub that an agent of these settings reports to. */
export function hubUrl(values: PlumblineSettings): string {
  if (values.hub !== '') return values.hub.replace(/\/+$/, '')
  const host = ['0.0.0.0', '::'].includes(values.host) ? '127.0.0.1' : values.host
  return `${values.tlsCertificate === '' ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${values.port}`
}
