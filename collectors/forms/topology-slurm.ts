import { textForm } from '../form'
import { cablesOf, entryOfLine } from '../topology/slurm'
import { withTiers, type Cable } from '../topology/tree'

/** Comments go; a line that ends in a backslash goes on in the next. */
const linesOf = (text: string) =>
  text
    .replaceAll(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map(line => line.replace(/#.*$/, '').trim())
    .filter(line => line !== '')

export const topologySlurm = textForm({
  name: 'topology-slurm',
  tool: 'topology',
  help: 'which node hangs on which switch (or block) from Slurm’s topology.conf, as topograph writes it too',
  origin: 'https://slurm.schedmd.com/topology.conf.html',
  parse(text) {
    const cables: Cable[] = []
    const counts = { linesRead: 0, linesUnread: 0 }
    for (const line of linesOf(text)) {
      const entry = /^(?:SwitchName|BlockName)=/i.test(line) ? entryOfLine(line) : undefined
      const some = entry === undefined ? undefined : cablesOf(entry, 'slurm')
      if (some !== undefined) for (const cable of some) cables.push(cable)
      if (some !== undefined || /^BlockSizes=/i.test(line)) counts.linesRead += 1
      else counts.linesUnread += 1
    }
    return cables.length === 0 ? undefined : { records: withTiers(cables), ...counts }
  },
})
