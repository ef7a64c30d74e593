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

  it.each([
    ['[Step 7] Text Loss: 1.23, Loss: 2.34, LR: 0.1', { Loss: '2.34', LR: '0.1' }],
    // Of two parts none is the whole.
    ['[Step 7] Text Loss: 1.23, Mel Loss: 1.11', {}],
    ['Step: 7 | Loss: 4.2 | GRU norm: 0.45', { Step: '7', Loss: '4.2' }],
    ['INFO loss: 2.5, step: 7', { loss: '2.5', step: '7' }],
    ['step 7/100 loss 3.0', { step: '7', total_steps: '100', loss: '3.0' }],
    ['iter 7: loss 6.7, 195.1k tok/s', { 'tok/s': '195.1k', loss: '6.7' }],
    ['[STEP 7] Loss: 2.8 | Throughput: 14,200 tokens/sec', { 'tokens/sec': '14,200', Loss: '2.8' }],
  ])('of %s are those of the whole', (text, expected) => {
    const figures = Object.fromEntries(pairsIn(text))
    expect(figures).toMatchObject(expected)
    if (!('loss' in expected) && !('Loss' in expected)) expect(Object.keys(figures)).not.toContain('Loss')
    expect(Object.keys(figures)).not.toContain('norm')
  })
})
