/** DeepSpeed's estimate of the memory of model states, for ZeRO stages 2 and 3. */
import type { ModelShape } from '../dimensions'
import { embeddingParameters, parameterCount } from '../parameters'
import { defineConvention, program } from './convention'

const source = program('DeepSpeed', 'deepspeedai/DeepSpeed@edaa722', 'deepspeed/runtime/zero/stage3.py')

/** Its largest layer is the largest single weight; the experts of a layer count as one. */
function largestLayer(shape: ModelShape): number {
  const { hiddenSize: h, ffnHiddenSize: f, experts } = shape
  const ffn = experts > 1 ? (shape.gatedFfn ? 3 : 2) * experts * h * f : h * f
  return Math.max(embeddingParameters(shape), ffn)
}

export const deepspeed = defineConvention({
  name: 'deepspeed',
  title: 'DeepSpeed',
  help: 'weights, gradients and AdamW under ZeRO: 2 + 18/N bytes a parameter in stage 2, 18/N and the largest layer in 3',
  source,
  count({ shape, plan }) {
    if (plan.zeroStage < 2) return {}
    const P = parameterCount(shape).value
    const N = plan.devices
    const assumption = '18 = 2 + 4 gradients, 4 fp32 weights, 8 moments; all devices share one model'
    if (plan.zeroStage === 2)
      return {
        statesBytes: { value: 2 * P + (18 * P) / N, formula: '2·P + 18·P / N', letters: { P, N }, source, assumption },
      }
    const l = largestLayer(shape)
    return {
      statesBytes: { value: 4 * l + (18 * P) / N, formula: '4·l + 18·P / N', letters: { P, N, l }, source, assumption },
    }
  },
})
