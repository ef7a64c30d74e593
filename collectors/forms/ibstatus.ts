import { textForm } from '../form'
import { parsePortStatus } from '../kernel/port-status'

const HEADINGS = { device: /^\s*Infiniband device '([^']{1,64})' port (\d{1,4}) status:$/i }

export const ibstatus = textForm({
  name: 'ibstatus',
  tool: 'ibstatus',
  help: 'state and speed of every InfiniBand and RoCE port from `ibstatus`',
  origin: 'https://github.com/linux-rdma/rdma-core/blob/master/infiniband-diags/scripts/ibstatus',
  begins: /Infiniband device '/,
  parse: text => parsePortStatus(text, HEADINGS),
})
