/**
 * Seeded fleets and faults through the detectors that the hub runs, beside what others published; then fault-free fleets of an
 * hour. `npm run bench:detect -- [fleets] [fault-free fleets] [seed]`; `--misses` prints each case that went wrong. In parts:
 * `--keep FILE` keeps what was played, `--of FILE…` gives the figures of all that was kept.
 */
import { casesOf, isOfLinks, KINDS, SIZES } from './detect/cases'
import { keep, together, type Part } from './detect/parts'
import { METHODS, play, playHour, plumbline, type Played } from './detect/play'
import { isHarmless, scoreOf, switchAccuracy } from './detect/scores'

const words = process.argv.slice(2)
const numbers = words.filter(word => /^\d+$/.test(word)).map(Number)
const [fleets = 2400, hours = 1000, seed = 1] = numbers
const showsMisses = words.includes('--misses')
const behind = (flag: string) => (words.includes(flag) ? words.slice(words.indexOf(flag) + 1) : [])

const percent = (value: number) => (Number.isNaN(value) ? '–' : `${(100 * value).toFixed(1)} %`)

function table(
  title: string,
  rows: readonly (readonly [name: string, played: readonly Played[]])[],
  methods = METHODS,
) {
  const lines = rows.flatMap(([name, played]) =>
    methods.map(method => {
      const score = scoreOf(played, method)
      return {
        [title]: name,
        method: method.name,
        cases: score.cases,
        precision: percent(score.precision),
        recall: percent(score.recall),
        'recall at best': percent(score.bestRecall),
        F1: score.f1.toFixed(3),
        'steps to detect': Number.isNaN(score.stepsToDetect) ? '–' : score.stepsToDetect,
        'cost error': percent(score.costError),
        'within 10 %': percent(score.costWithinTenth),
      }
    }),
  )
  console.table(lines.filter(({ cases }) => cases > 0))
}

function playAll(): Part {
  const began = process.cpuUsage()
  const played: Played[] = []
  for (const [number, one] of casesOf(fleets, seed).entries()) {
    played.push(play(one))
    if ((number + 1) % 200 === 0) console.error(`${number + 1} of ${fleets} fleets`)
  }
  let [noisy, findings] = [0, 0]
  for (const one of casesOf(hours, seed + 1)) {
    const found = playHour(one)
    findings += found
    if (found > 0) noisy += 1
    if (found > 0 && showsMisses) console.log(`fault-free, ${one.noise.name}, seed ${one.seed}: ${found}`)
  }
  const { user, system } = process.cpuUsage(began)
  return { played, hours, noisy, findings, processorSeconds: (user + system) / 1e6 }
}

const kept = behind('--of')
const part = kept.length > 0 ? together(kept) : playAll()
const { played } = part
const [file] = behind('--keep')
if (file !== undefined) keep(part, file)
const where = (test: (one: Played['case']) => boolean) => played.filter(({ case: one }) => test(one))
const isQuiet = ({ noise }: Played['case']) => noise.name !== 'rough'
const sizes = SIZES.map(size => `${Math.round(100 * size)} %`)

table(
  'size, calm and usual noise',
  SIZES.map((size, at) => [sizes[at] ?? '', where(one => isQuiet(one) && one.size === size)]),
)
table(
  'size, rough noise',
  SIZES.map((size, at) => [sizes[at] ?? '', where(one => !isQuiet(one) && one.size === size)]),
  [plumbline],
)
table(
  'fault of 5 % and more, calm and usual noise',
  KINDS.map(kind => [kind, where(one => isQuiet(one) && one.kind === kind && one.size >= 0.05)]),
  [plumbline],
)
const seenAs = [
  ['topology, all ranks', (one: Played['case']) => one.seen.hasTopology && one.seen.lost === 0],
  ['topology, 2 % of ranks missing, 5 % lost', (one: Played['case']) => one.seen.hasTopology && one.seen.lost > 0],
  ['no topology, all ranks', (one: Played['case']) => !one.seen.hasTopology && one.seen.lost === 0],
  ['no topology, 2 % missing, 5 % lost', (one: Played['case']) => !one.seen.hasTopology && one.seen.lost > 0],
] as const
table(
  'seen, 5 % and more, calm and usual noise',
  seenAs.map(([name, test]) => [name, where(one => isQuiet(one) && one.size >= 0.05 && test(one))]),
  [plumbline],
)
console.table(
  [true, false].flatMap(hasTopology =>
    SIZES.map((size, at) => {
      const { ofBlamed, ofAll, all } = switchAccuracy(
        where(one => isQuiet(one) && one.seen.hasTopology === hasTopology && one.size === size),
        plumbline,
      )
      return {
        'slow leaf or uplink': sizes[at],
        topology: hasTopology ? 'told' : 'inferred',
        cases: all,
        'right of all': percent(ofAll),
        'right of those blamed': percent(ofBlamed),
      }
    }),
  ),
)
if (showsMisses)
  for (const one of where(isQuiet)) {
    const { case: tried, verdicts, cost, stepSeconds } = one
    const last = verdicts.get(plumbline.name)?.at(-1)
    if (last === undefined || ((last.isFound || isHarmless(one)) && last.wrong === 0) || tried.size < 0.05) continue
    const seen = `${tried.seen.hasTopology ? 'topology' : 'no topology'}${tried.seen.lost > 0 ? ', lossy' : ''}`
    const shape = `${tried.shape.tensor}×${tried.shape.pipeline}×${tried.shape.data}${tried.shape.rails ? ' rails' : ''}`
    console.log(
      `${isOfLinks(tried.kind) ? 'link' : 'rank'} ${tried.kind} ${tried.size} ${tried.noise.name} ${seen} ${shape} seed ${tried.seed}: ${last.isFound ? 'found' : 'missed'}, ${last.wrong} wrong, costs ${percent(cost / stepSeconds)}`,
    )
  }

console.log(
  `${part.hours} fault-free fleets of an hour: ${part.noisy} with a finding that the hub would open (${part.findings} in all)`,
)
console.log(`${part.processorSeconds.toFixed(0)} s of processor time`)
