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
