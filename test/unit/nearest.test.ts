import { describe, expect, it } from 'vitest'
import { nearest } from '../../base/nearest'

const FIELDS = ['layers', 'hiddenSize', 'attentionHeads', 'vocabularySize']

describe('the nearest word', () => {
  it.each([
    ['layer', 'layers'],
    ['hidden_size', 'hiddenSize'],
    ['HiddenSize', 'hiddenSize'],
    ['atentionHeads', 'attentionHeads'],
  ])('to %s is %s', (typed, meant) => expect(nearest(typed, FIELDS)).toBe(meant))

  it('is none where none is near', () => {
    expect(nearest('banana', FIELDS)).toBeUndefined()
    expect(nearest('anything', [])).toBeUndefined()
  })
})
