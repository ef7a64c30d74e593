/** Log formats in the order in which an unknown line is offered to them. */
import { registry } from '../../base/registry'
import { areal } from './areal'
import { composer } from './composer'
import { crash } from './crash'
import { deepspeed } from './deepspeed'
import { fairseq } from './fairseq'
import { hfJsonl } from './hf-jsonl'
import { hfTrainer } from './hf-trainer'
import { hook } from './hook'
import { internevo } from './internevo'
import { jsonLines } from './json-lines'
import { keras } from './keras'
import { kernel } from './kernel'
import { keyValue } from './key-value'
import { levanter } from './levanter'
import { lightning } from './lightning'
import { lingua } from './lingua'
import { litgpt } from './litgpt'
import { llmc } from './llmc'
import { maxtext } from './maxtext'
import { megatron } from './megatron'
import { mlperf } from './mlperf'
import { moddedNanogpt } from './modded-nanogpt'
import { nanochat } from './nanochat'
import { nanogpt } from './nanogpt'
import { nanotron } from './nanotron'
import { nccl } from './nccl'
import { nemoRl } from './nemo-rl'
import { olmo } from './olmo'
import { openrlhf } from './openrlhf'
import { primeRl } from './prime-rl'
import { slime } from './slime'
import { torchModules } from './torch-modules'
import { torchtitan } from './torchtitan'
import { torchtune } from './torchtune'
import { verl } from './verl'
import { xlm } from './xlm'
import type { LogFormat } from './format'

export const formats = registry<LogFormat>('log format', [
  hook,
  torchModules,
  megatron,
  deepspeed,
  torchtitan,
  torchtune,
  lightning,
  hfTrainer,
  hfJsonl,
  composer,
  olmo,
  nanotron,
  nanogpt,
  nanochat,
  moddedNanogpt,
  llmc,
  litgpt,
  lingua,
  maxtext,
  levanter,
  fairseq,
  mlperf,
  internevo,
  verl,
  openrlhf,
  primeRl,
  nemoRl,
  slime,
  areal,
  xlm,
  keras,
  kernel,
  nccl,
  // Any framework's job can die: after them, as its patterns are loose.
  crash,
  jsonLines,
  keyValue,
])
