import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupName, isMessage, messageName, ranksOfGroup } from '../../wire/group-name'

describe('the name of a group', () => {
  it('is its first rank, its last and its stride', () => {
    expect([[0, 8, 16], [4, 5, 6], [3, 9], [7], [0, 1, 2, 3, 8, 9, 10, 11]].map(groupName)).toEqual([
      ...['0-16/8', '4-6', '3,9', '7', '0-3,8-11'],
    ])
  })

  it('says the members of any group again', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(9999), { minLength: 1, maxLength: 60 }), members => {
        const ranks = members.sort((one, other) => one - other)
        expect(ranksOfGroup(groupName(ranks))).toEqual(ranks)
        expect(isMessage(groupName(ranks))).toBe(false)
      }),
    )
  })

  it('of messages is sender and receiver, in that order', () => {
    expect(ranksOfGroup(messageName(9, 5))).toEqual([9, 5])
    expect(isMessage('9>5')).toBe(true)
  })

  it('that is none says nothing, however hostile', () => {
    const names = ['', 'default_pg', '0x7f3a', '0-9999999', '5-3', '3,3', '4,2', '1-', '1>2>3', '0-8/0', '-1', '1e3']
    for (const name of names) expect(ranksOfGroup(name), name).toBeUndefined()
  })
})
