/** Every roll-up. A new one is an entry here and its tables in a migration. */
import { registry } from '../../base/registry'
import { gpuRollUp, hostRollUp, linkRollUp } from './devices'
import { jobRollUp, rankRollUp } from './steps'

export const rollUps = registry('roll-up', [gpuRollUp, hostRollUp, linkRollUp, rankRollUp, jobRollUp])
