/** Words and numbers of a line that is nothing else; prose is none. */
import { describe, expect, it } from 'vitest'
import { pairsIn } from '../../collectors/logs/pairs'

describe('a line of words and numbers', () => {
  it('is read word by word, with units', () => {
    expect([...pairsIn('step 1 loss 2.31 step_time 0.52 s lr 1e-4')]).toEqual([
      ['step', '1'],
      ['loss', '2.31'],
      ['step_time', '0.52 s'],
      ['lr', '1e-4'],
    ])
  })

  it.each([
    'step 3 of the plan takes 3 days, loss of data 5',
    'step 4 was skipped loss 12',
    'loading 12 shards took 3.1 s',
    'step 5 loss 2.1 step 6',
  ])('is not “%s”', line => {
    expect(pairsIn(line).get('loss')).toBeUndefined()
  })
})
