/** Every command of `cli/index.ts` declares its options beside those that all have: none twice. */
import { describe, expect, it, vi } from 'vitest'
import { commands } from '../../cli/index'
import { main } from '../../cli/main'

describe.each([...commands].map(({ name }) => name))('plumbline %s', name => {
  it('says its help', async () => {
    const said: string[] = []
    const out = vi.spyOn(process.stdout, 'write').mockImplementation(text => said.push(String(text)) > 0)
    const code = await main([name, '--help']).finally(() => out.mockRestore())
    expect(code).toBe(0)
    expect(said.join('')).toMatch(new RegExp(`^Usage: plumbline ${name}\\b`))
  })
})
