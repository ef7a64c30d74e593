/** Log formats in the order in which an unknown line is offered to them. */
import { registry } from '../../base/registry'
import type { LogFormat } from './format'

export const formats = registry<LogFormat>('log format', [])
