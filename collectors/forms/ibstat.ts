import { textForm } from '../form'
import { parsePortStatus } from '../kernel/port-status'

const HEADINGS = { device: /^CA:? '([^']{1,64})'$/, port: /^\s*Port (\d{1,4}):$/ }

export const ibstat = textForm({
  name: 'ibstat',
  tool: 'ibstat',
  help: 'state and speed of every InfiniBand and RoCE port from `ibstat`',
  origin: 'https://github.com/linux-rdma/rdma-core/blob/master/infiniband-diags/ibstat.c',
  begins: /CA:? '/,
  parse: text => parsePortStatus(text, HEADINGS),
})
