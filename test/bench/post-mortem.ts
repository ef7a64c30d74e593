/**
 * Post-mortems of over-full jobs whose truth is known, by cause: in how many the true cause is named first, in how many what is
 * suggested first fits in the model that made the truth; and what one post-mortem takes.
 *
 *     npm run bench:post-mortem
 */
import { postMortemOf } from '../../analysis/post-mortem/index'
import { allCases, CASES, type Case } from '../over-full-jobs'

interface Judged {
  readonly named: boolean
  readonly fits: boolean
}

function judge({ scene, cause, fits }: Case): Judged {
  const found = postMortemOf(scene)
  const [remedy] = found?.remedies ?? []
  return { named: found?.causes[0]?.name === cause, fits: remedy !== undefined && fits(remedy) }
}

const shareOf = (judged: readonly Judged[], what: keyof Judged) =>
  `${((100 * judged.filter(one => one[what]).length) / judged.length).toFixed(1)} %`
const print = (name: string, judged: readonly Judged[]) =>
  console.log(
    `${name.padEnd(16)}${String(judged.length).padStart(6)} jobs   cause named ${shareOf(judged, 'named').padStart(7)}   first suggestion fits ${shareOf(judged, 'fits').padStart(7)}`,
  )

const cases = allCases()
const began = process.cpuUsage()
const judged = cases.map(one => ({ cause: one.cause, ...judge(one) }))
const { user, system } = process.cpuUsage(began)
for (const { cause } of CASES)
  print(
    cause,
    judged.filter(one => one.cause === cause),
  )
print('all', judged)
console.log(`${((user + system) / 1e3 / cases.length).toFixed(1)} ms of processor time each, the plan search included`)
