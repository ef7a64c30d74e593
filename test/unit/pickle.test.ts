import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Machine } from '../../collectors/pickle/machine'
import { PickleDict, PickleList, readPickle, type PickleValue } from '../../collectors/pickle/read'

const python = '/usr/bin/python3'
const script = `import pickle, sys
v = [1, -5, 2**70, 1.5, 'ä', True, False, None, {'a': [1, 2], 'b': {}}, (1, 2, 3, 4), -300, 70000, 'x' * 300]
sys.stdout.buffer.write(pickle.dumps(v, int(sys.argv[1])))`

/** As plain arrays and maps, which compare with those of the test. */
function plain(value: PickleValue): unknown {
  if (value instanceof PickleList) return Array.from(value, plain)
  return value instanceof PickleDict ? new Map([...value].map(([key, held]) => [key, plain(held)])) : value
}

/** Every opcode there is, with an operand that some of them want. */
const OPCODES = Array.from({ length: 256 }, (_, opcode) => Buffer.from([opcode, opcode % 7, 0, 0, 0]))

describe('a pickle', () => {
  it.skipIf(!existsSync(python)).each([2, 3, 4, 5])('of protocol %i made by Python is read', protocol => {
    const { stdout } = spawnSync(python, ['-c', script, String(protocol)])
    expect(plain(readPickle(stdout))).toEqual([
      ...[1, -5, 2n ** 70n, 1.5, 'ä', true, false, null],
      new Map<unknown, unknown>([
        ['a', [1, 2]],
        ['b', new Map<unknown, unknown>()],
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
      const read = readPickle(spawnSync(python, ['-c', twice, String(protocol)]).stdout)
      const value = plain(read)
      const d = new Map<unknown, unknown>([['k', 1]])
      expect(value).toEqual([
        ...[d, d, Buffer.from([0, 255]), new Set([3]), new Set([4]), [['a.py', 7]]],
        new Map<unknown, unknown>([['["f",1]', 2]]),
      ])
      expect(Array.isArray(read) && read[0] === read[1]).toBe(true)
    },
  )

  it('may tag its lists as torch does', () => {
    const tagged = '\x80\x02ctorch.jit._pickle\nrestore_type_tag\n(](K\x01K\x02eX\x09\x00\x00\x00List[int]tR.'
    expect(plain(readPickle(Buffer.from(tagged, 'latin1')))).toEqual([1, 2])
  })

  it('is the same however its bytes are cut', () => {
    const bytes = readFileSync(join(import.meta.dirname, '../fixtures/forms/torch-snapshot/out-of-memory.pickle'))
    const whole = readPickle(bytes)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), cuts => {
        const machine = new Machine({ heldBytes: 1e6 })
        const places = [0, ...cuts.toSorted((one, other) => one - other), bytes.length]
        places.slice(1).forEach((end, index) => machine.push(bytes.subarray(places[index], end)))
        expect(machine.end()).toEqual(whole)
      }),
    )
  })

  it.each([
    ['sets copied out of one list', `](${'K\x01'.repeat(200)}eq\x000${'c__builtin__\nset\n(h\x00tR0'.repeat(100)}N.`],
    [
      'dicts of one pair, copied out of one list',
      `](${'K\x01K\x01\x86'.repeat(200)}eq\x000${'ccollections\nOrderedDict\n(h\x00tR0'.repeat(100)}N.`,
    ],
    ['a memo without end', `N${'\x94'.repeat(50_000)}.`],
    ['marks without end', '('.repeat(50_000)],
    ['lists without end', ']\x94'.repeat(50_000)],
    ['dicts without end', '}'.repeat(50_000)],
    ['a container in itself', `]q\x00(${'h\x00'.repeat(50_000)}e.`],
    ['numbers that need room of their own', `](${`G\x3f\xb9\x99\x99\x99\x99\x99\x9a`.repeat(6000)}e.`],
    ['long integers', `](${`\x8a\x40${'x'.repeat(64)}`.repeat(1500)}e.`],
    ['short lists in short lists', `]q\x00${'](N'.repeat(3000)}`],
    ['one text again and again', `X\x00\x01\x00\x00${'x'.repeat(256)}2`.repeat(500)],
    ['tuples doubled', `)${'2\x86'.repeat(50_000)}.`],
    ['keys that are copied', `(${'K\x01'.repeat(60)}tq\x00}(${'h\x00N'.repeat(20_000)}u.`],
    ['numbers in the memo far apart', Array.from({ length: 20 }, (_, at) => `Np${(at + 1) * 200_000}\n`).join('')],
  ])('that is a bomb is refused: %s', (_, text) => {
    const bomb = Buffer.from(`\x80\x02${text}`, 'latin1')
    expect(() => readPickle(bomb, { heldBytes: 100_000 })).toThrow(/more than 100000 bytes|never end|too early/)
  })

  it.each([
    ['a text of 4 GB', 'X\xff\xff\xff\xff', /a length of 4294967295/],
    ['a text of 2^63 bytes', '\x8d\xff\xff\xff\xff\xff\xff\xff\x7f', /a length of 9/],
    ['an integer of 100 MB', '\x8b\x00\x00\x00\x06', /a length of/],
    ['an integer of 200 bytes', `\x8a\xc8${'x'.repeat(200)}`, /an integer of 200 bytes/],
    ['a line without end', `c${'x'.repeat(10_000)}`, /a line without end/],
    ['a memo far away', 'Np4000000000\n.', /memo 4000000000/],
    ['an empty memo', 'h\x07.', /memo 7 is empty/],
    ['an empty stack', '.', /nothing on the stack/],
    ['a value below a mark', 'N(.', /nothing on the stack/],
    ['no mark', 'Ne.', /no mark/],
    ['an object', '(dc__main__\nX\nb.', /__main__\.X/],
    ['an extension', '\x82\x01.', /opcode 0x82/],
    ['a persistent id', 'Pfile\n.', /opcode 0x50/],
    ['an instance', '(ios\nsystem\n.', /opcode 0x69/],
    ['a call of what is no constructor', 'N)R.', /a call of something else/],
    ['a key that is a dict', '}(}Nu.', /a key of a dict/],
    ['the end before its end', '](K\x01K\x02', /too early/],
  ])('that is damaged or hostile has an error of its own: %s', (_, text, says) => {
    expect(() => readPickle(Buffer.from(`\x80\x02${text}`, 'latin1'))).toThrow(says)
  })

  it('that names a function is refused by its name', () => {
    expect(() => readPickle(Buffer.from("cos\nsystem\n(S'id'\ntR."))).toThrow('os.system')
  })

  it('of random bytes is a value or an error for people', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...OPCODES), fc.uint8Array({ maxLength: 12 })), { maxLength: 60 }),
        parts => {
          const bytes = Buffer.concat(parts)
          try {
            readPickle(bytes, { heldBytes: 1e6 })
          } catch (error) {
            expect(error).toMatchObject({ name: 'PlumblineError' })
          }
        },
      ),
      { numRuns: 3000 },
    )
  })
})
