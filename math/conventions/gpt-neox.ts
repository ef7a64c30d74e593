/** GPT-NeoX: eq. 3 of SC21 with the factor 3 or 4 for passes. */
import type { Derived } from '../explain'
import { lettersOf } from '../parameters'
import { defineConvention, program, type Job } from './convention'

const source = program('GPT-NeoX', 'EleutherAI/gpt-neox@ea7aefd', 'megatron/logging.py')

function flops({ shape }: Job, i: number): Derived {
  const { hiddenSize: h, layers: L, sequenceLength: s, vocabularySize: V } = shape
  return {
    value: 24 * i * L * h * h * (1 + s / (6 * h) + V / (16 * L * h)),
    formula: '24·i·L·h·h·(1 + s / (6·h) + V / (16·L·h))',
    letters: { ...lettersOf(shape), i },
    source,
    assumption: `${i} passes; every model is taken to have an FFN of 4·h and as many key as query heads`,
  }
}

export const gptNeox = defineConvention({
  name: 'gpt-neox',
  title: 'GPT-NeoX',
  help: 'eq. 3 of SC21 for a GPT with an FFN of 4·h, logits counted with the weight that full recomputation would give',
  source,
  count: job => ({
    flopsPerToken: flops(job, 3),
    hardwareFlopsPerToken: flops(job, job.plan.recompute === 'full' ? 4 : 3),
  }),
})
