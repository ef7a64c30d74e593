/** `npm run test:faults [-- FAULT…]`: a row for each fault put into a real job (see `faults.ts`); fails where one is wrong. */
import { Cluster } from './cluster'
import { faultOf, judge } from './faults'
import { whyNoLab } from './lab'
import { hasTorch } from './torch'

const ALL = [
  ...['flat:none', 'ddp:none'],
  ...['flat:rank:2:150', 'ddp:rank:4:150', 'ddp:rank:0:100'],
  ...['flat:host:h3:0.1', 'ddp:host:h5:0.08', 'flat:crowd:h1:8'],
  ...['flat:uplink:leaf1:50mbit', 'ddp:uplink:leaf0:50mbit', 'ddp:uplink:leaf2:80mbit'],
  ...['flat:leaf:leaf1:50mbit'],
  ...['flat:card:h2:50mbit', 'ddp:card:h5:50mbit'],
]

const why = whyNoLab()
if (why !== undefined || !hasTorch) {
  console.log(`SKIPPED: no faults in real jobs: ${why ?? 'no torch'}`)
  process.exit(0)
}
const faults = (process.argv.length > 2 ? process.argv.slice(2) : ALL).map(faultOf)
const cluster = await Cluster.open(['--no-page'])
process.once('SIGINT', () => void cluster.close().then(() => process.exit(130)))
let failed = 0
try {
  for (const fault of faults) {
    const { before, since, costError, wrong, findings } = await judge(cluster, fault)
    failed += wrong.length > 0 ? 1 : 0
    const error = Number.isNaN(costError) ? '' : `, cost off by ${Math.round(costError * 100)} %`
    console.log(
      `${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${fault.text.padEnd(26)} step ${before.toFixed(3)} then ${since.toFixed(3)} s${error}`,
    )
    for (const { title, evidence } of findings) console.log(`       ${title}: ${evidence}`)
    for (const one of wrong) console.log(`       wrong: ${one}`)
  }
} finally {
  await cluster.close()
}
console.log(`${faults.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
