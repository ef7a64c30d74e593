/** Log formats in the order in which an unknown line is offered to them. */
import { registry } from '../../base/registry'
import { crash } from './crash'
import type { LogFormat } from './format'
import { hfTrainer } from './hf-trainer'
import { hook } from './hook'
import { megatron } from './megatron'
import { nanogpt } from './nanogpt'
import { nccl } from './nccl'
import { torchtitan } from './torchtitan'

export const formats = registry<LogFormat>('log format', [
  hook,
  megatron,
  torchtitan,
  hfTrainer,
  nanogpt,
  nccl,
  // Any framework's job can die: last, as its patterns are the loosest.
  crash,
])
