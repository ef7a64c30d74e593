/** Faults that are put into real jobs, and what the hub must say of them. */
import type { StepSeries } from '../../wire/api'
import type { Finding } from '../../wire/findings'
import type { Cluster } from './cluster'

/**
 * As text: `MODE:KIND:WHO:SIZE`, MODE flat or ddp. Kinds: `rank` sleeps so many milliseconds a step; `host` gets this share of
 * a processor; `crowd`: so many processes on a host never rest; `leaf` (all its ports), `uplink` of a leaf and `card` of a host
 * carry this rate; `none`.
 */
export interface Fault {
  readonly text: string
  readonly mode: string
  readonly kind: string
  readonly who: string
  readonly size: string
}

export interface Verdict {
  readonly run: string
  readonly findings: readonly Finding[]
  /** Medians before and since. */
  readonly before: number
  readonly since: number
  /** Of what the job says it costs, how far off the finding is: 0.1 is 10 %. NaN without a finding. */
  readonly costError: number
  /** What is not as it must be; empty where all is. */
  readonly wrong: readonly string[]
}

const KINDS = ['none', 'rank', 'host', 'crowd', 'leaf', 'uplink', 'card']
/** Steps before the fault and in all. */
const FROM = 24
const STEPS = 74
const WARM_UP = 4
const COST_WITHIN = 0.25

/** Throws where the text is none. */
export function faultOf(text: string): Fault {
  const [mode = '', kind = '', who = '', size = ''] = text.split(':')
  if (!['flat', 'ddp'].includes(mode) || !KINDS.includes(kind) || (kind !== 'none' && size === ''))
    throw new Error(`${text} is no fault: write MODE:KIND:WHO:SIZE, such as ddp:uplink:leaf1:50mbit`)
  return { text, mode, kind, who, size }
}

/** What a finding must name, in its title or among its nodes. */
function isNamed(
  { kind, who }: Fault,
  { detector, title, nodes = [] }: Finding,
  rankOf: (host: string) => number,
): boolean {
  if (kind === 'rank') return detector === 'slow-rank' && title.startsWith(`Rank ${who} `)
  if (kind === 'host' || kind === 'crowd')
    return detector === 'slow-rank' && title.startsWith(`Rank ${rankOf(who)} `) && nodes.includes(who)
  if (kind === 'leaf') return detector === 'slow-path' && title === `Switch ${who} is slow`
  if (kind === 'uplink') return detector === 'slow-path' && title === `Uplink of ${who} is slow`
  return detector === 'slow-path' && title.startsWith(`NIC ${who} `)
}

const median = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? NaN

/** Runs a job in which the fault begins at a step, and judges what was found when it has ended. */
export async function judge(cluster: Cluster, fault: Fault): Promise<Verdict> {
  const { lab } = cluster
  const { kind, who, size, mode, text } = fault
  const run = `${text.replace(/[^\w-]/g, '-')}-${Date.now()}`
  let undo: () => void = () => undefined
  const act = () => {
    if (kind === 'crowd') undo = lab.crowd(who, Number(size))
    if (kind === 'leaf') lab.throttleSwitch(who, size)
    if (kind === 'uplink') lab.throttleLeaf(who, size)
    if (kind === 'card') lab.throttleCard(who, size)
    if (kind === 'host') lab.limit({ name: who }, Number(size))
  }
  const sleeps = kind === 'rank' ? ['--slow-rank', who, '--slow-ms', size, '--slow-from', String(FROM)] : []
  const args = ['--sync', mode, '--batch', '1', '--width', '64', '--device-ms', '60', ...sleeps]
  try {
    await cluster.run({ name: run, steps: STEPS, args, at: { step: FROM, act } })
  } finally {
    undo()
    if (kind === 'leaf') lab.throttleSwitch(who)
    if (kind === 'uplink') lab.throttleLeaf(who)
    if (kind === 'card') lab.throttleCard(who)
    if (kind === 'host') lab.limit({ name: who })
  }
  const findings = await cluster.findings(run, STEPS - 1)
  const { step, stepSeconds } = await cluster.get<StepSeries>(`/api/runs/${run}/steps?points=1000`)
  const seconds = (isIn: (at: number) => boolean) =>
    median(stepSeconds.filter((value, row): value is number => value !== null && isIn(step[row] ?? -1)))
  const before = seconds(at => at >= WARM_UP && at < FROM)
  const since = seconds(at => at > FROM + 1)
  const rankOf = (host: string) => lab.hosts.findIndex(({ name }) => name === host)
  const named = findings.filter(finding => kind !== 'none' && isNamed(fault, finding, rankOf))
  const others = findings.filter(finding => !named.includes(finding))
  const costError = Math.abs((named[0]?.costSecondsPerStep ?? NaN) / (since - before) - 1)
  return {
    run,
    findings,
    before,
    since,
    costError,
    wrong: [
      ...(kind !== 'none' && named.length !== 1 ? [`named ${named.length} times`] : []),
      ...others.map(({ title }) => `also: ${title}`),
      ...(named.length === 1 && !(costError <= COST_WITHIN)
        ? [`costs ${named[0]?.costSecondsPerStep?.toFixed(3) ?? '?'} s, in truth ${(since - before).toFixed(3)} s`]
        : []),
    ],
  }
}
