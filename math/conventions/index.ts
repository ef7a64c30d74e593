/** Conventions in the order in which they are shown. */
import { registry } from '../../base/registry'
import type { Convention } from './convention'
import { deepspeed } from './deepspeed'
import { eleuther } from './eleuther'
import { gptNeox } from './gpt-neox'
import { levanter } from './levanter'
import { llmAnalysis } from './llm-analysis'
import { megatron } from './megatron'
import { nemo } from './nemo'
import { weightConventions } from './weights'

export const conventions = registry<Convention>('convention', [
  eleuther,
  megatron,
  ...weightConventions,
  levanter,
  nemo,
  gptNeox,
  deepspeed,
  llmAnalysis,
])
