/** `plumbline doctor`: what this node offers, what is missing, and how to get it. */
import { localHost } from '../collectors/host'
import { checks } from './checks/index'
import { runCheck, type CheckState, type NamedFinding } from './checks/check'
import { defineCommand } from './command'

const MARKS: Record<CheckState, string> = { ok: '✓', absent: '–', failed: '✗' }

/** One line a finding, names aligned, and a `fix:` line below what is not well: once for all that it would mend. */
export function describeFindings(findings: readonly NamedFinding[]): string {
  const width = Math.max(0, ...findings.map(({ name }) => name.length))
  const told = new Set<string>()
  return findings
    .flatMap(({ name, state, detail, fix }) => {
      const line = `${MARKS[state]} ${name.padEnd(width)}  ${detail}`
      if (fix === undefined || told.has(fix)) return [line]
      told.add(fix)
      return [line, `${' '.repeat(width + 4)}fix: ${fix}`]
    })
    .join('\n')
}

/** 1 where something that Plumbline cannot do without is bad; a missing GPU is not. */
export function exitCodeOf(findings: readonly NamedFinding[]): number {
  return findings.some(({ name, state }) => state === 'failed' && checks.get(name)?.needed === true) ? 1 : 0
}

export const command = defineCommand({
  settings: ['hub', 'port', 'host', 'data', 'store', 'logs', 'scrape', 'topology'],
  configure(program) {
    program.addHelpText('after', '\n✓ is there and works, – is not here, ✗ is here and does not work.')
  },
  async run({ options, settings }) {
    const host = localHost()
    const findings = await Promise.all([...checks].map(check => runCheck(check, host, settings)))
    console.log(options['json'] === true ? JSON.stringify(findings, null, 2) : describeFindings(findings))
    return exitCodeOf(findings)
  },
})
