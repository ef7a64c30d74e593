/** Levanter: the forward pass with softmax and mask, three times. */
import { attentionFlopsPerToken, matmulParameters } from '../flops'
import { lettersOf } from '../parameters'
import { defineConvention, program } from './convention'

const source = program('Levanter', 'stanford-crfm/levanter@9263f81', 'src/levanter/utils/flop_utils.py')

export const levanter = defineConvention({
  name: 'levanter',
  title: 'Levanter',
  help: '6 FLOPs a weight of matmuls, attention over the whole square, and 3 FLOPs a score for mask and softmax',
  source,
  count({ shape }) {
    const W = matmulParameters(shape)
    const scores = 9 * shape.layers * shape.sequenceLength * shape.attentionHeads
    return {
      flopsPerToken: {
        value: 6 * W + attentionFlopsPerToken({ ...shape, slidingWindow: undefined }) + scores,
        formula: '6·W + 12·L·s·a·e + 9·L·s·a',
        letters: { ...lettersOf(shape), W },
        source,
        assumption: 'the forward pass three times over, mask and softmax as well',
      },
    }
  },
})
