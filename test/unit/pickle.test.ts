import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPickle } from '../../collectors/pickle/read'

const python = '/usr/bin/python3'
const script = `import pickle, sys
v = [1, -5, 2**70, 1.5, 'ä', True, False, None, {'a': [1, 2], 'b': {}}, (1, 2, 3, 4), -300, 70000, 'x' * 300]
sys.stdout.buffer.write(pickle.dumps(v, int(sys.argv[1])))`

describe('a pickle', () => {
  it.skipIf(!existsSync(python)).each([2, 3, 4, 5])('of protocol %i made by Python is read', protocol => {
    const { stdout } = spawnSync(python, ['-c', script, String(protocol)])
    expect(readPickle(stdout)).toEqual([
      ...[1, -5, 2n ** 70n, 1.5, 'ä', true, false, null],
      new Map<string, unknown>([
        ['a', [1, 2]],
        ['b', new Map()],
      ]),
      ...[[1, 2, 3, 4], -300, 70000, 'x'.repeat(300)],
    ])
  })

  it.skipIf(!existsSync(python)).each([2, 3, 4, 5])(
    'of protocol %i holds bytes, sets and what is named twice',
    protocol => {
      const twice = `import pickle, sys
d = {'k': 1}
sys.stdout.buffer.write(pickle.dumps([d, d, b'\\x00\\xff', {3}, frozenset([4]), (('a.py', 7),), {('f', 1): 2}], int(sys.argv[1])))`
      const value = readPickle(spawnSync(python, ['-c', twice, String(protocol)]).stdout)
      const d = new Map([['k', 1]])
      expect(value).toEqual([
        ...[d, d, Buffer.from([0, 255]), new Set([3]), new Set([4]), [['a.py', 7]]],
        new Map([['["f",1]', 2]]),
      ])
      expect(Array.isArray(value) && value[0] === value[1]).toBe(true)
    },
  )

  it('may tag its lists as torch does', () => {
    const tagged = '\x80\x02ctorch.jit._pickle\nrestore_type_tag\n(](K\x01K\x02eX\x09\x00\x00\x00List[int]tR.'
    expect(readPickle(Buffer.from(tagged, 'latin1'))).toEqual([1, 2])
  })

  it.each([
    ['sets copied out of one list', `](${'K\x01'.repeat(200)}eq\x000${'c__builtin__\nset\n(h\x00tR0'.repeat(100)}N.`],
    ['a memo without end', `N${'\x94'.repeat(5000)}.`],
    ['marks without end', '('.repeat(5000)],
    ['a container in itself', `]q\x00(${'h\x00'.repeat(5000)}e.`],
  ])('that is a bomb is refused: %s', (_, text) => {
    expect(() => readPickle(Buffer.from(`\x80\x02${text}`, 'latin1'), { items: 4000 })).toThrow(/more than 4000 items/)
  })

  it('that names a function is refused by its name', () => {
    expect(() => readPickle(Buffer.from("cos\nsystem\n(S'id'\ntR."))).toThrow('os.system')
  })

  it('of random bytes is a value or an error for people', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        try {
          readPickle(Buffer.from(bytes))
        } catch (error) {
          expect(error).toMatchObject({ name: 'PlumblineError' })
        }
      }),
    )
  })
})
