/** Log formats in the order in which an unknown line is offered to them. */
import { registry } from '../../base/registry'
import { crash } from './crash'
import { deepspeed } from './deepspeed'
import { hfJsonl } from './hf-jsonl'
import { hfTrainer } from './hf-trainer'
import { hook } from './hook'
import { kernel } from './kernel'
import { megatron } from './megatron'
import { nanogpt } from './nanogpt'
import { nccl } from './nccl'
import { torchtitan } from './torchtitan'
import type { LogFormat } from './format'

export const formats = registry<LogFormat>('log format', [
  hook,
  megatron,
  deepspeed,
  torchtitan,
  hfTrainer,
  hfJsonl,
  nanogpt,
  kernel,
  nccl,
  // Any framework's job can die: last, as its patterns are the loosest.
  crash,
])
