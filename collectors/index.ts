/** Collectors in the order in which the agent and `doctor` show them. */
import { registry } from '../base/registry'
import type { Collector } from './collector'

export const collectors = registry<Collector>('collector', [])
