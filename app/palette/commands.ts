/** What the command palette offers. One entry of the list is one kind of command. */
import { registry } from '../../base/registry'
import type { RunSummary } from '../../wire/api'
import { STATES } from '../data/health'
import { pages } from '../nav'
import { tabAddress, tabs } from '../runs/[run]/tabs'
import { chooseTheme } from '../ui/theme'
import { THEMES } from '../ui/theme-script'

export interface Command {
  readonly title: string
  readonly help: string
  /** Where it leads, or what it does. */
  readonly go: string | (() => void)
}

export interface Situation {
  /** What was typed. */
  readonly query: string
  /** The run whose pages are open. */
  readonly run: string | undefined
  readonly runs: readonly RunSummary[]
}

interface Kind {
  readonly name: string
  commands(situation: Situation): readonly Command[]
}

const number = (query: string) => /^(?:rank\s*)?(\d{1,6})$/i.exec(query.trim())?.[1]

export const kinds = registry<Kind>('kind of command', [
  {
    name: 'rank',
    commands: ({ query, run }) => {
      const rank = number(query)
      if (rank === undefined || run === undefined) return []
      const address = tabAddress(run, { folder: 'gpus' }, `?rank=${rank}#rank`)
      return [{ title: `Rank ${rank}`, help: 'against its peers', go: address }]
    },
  },
  {
    name: 'page of the run',
    commands: ({ run }) =>
      run === undefined ? [] : [...tabs].map(tab => ({ title: tab.title, help: tab.help, go: tabAddress(run, tab) })),
  },
  {
    name: 'page',
    commands: () => [...pages].map(({ title, help, href }) => ({ title, help, go: href })),
  },
  {
    name: 'run',
    commands: ({ runs }) =>
      runs.map(({ run, name, state }) => ({
        title: name,
        help: `${STATES[state].title.toLowerCase()} run ${run}`,
        go: tabAddress(run, { folder: '' }),
      })),
  },
  {
    name: 'theme',
    commands: () =>
      THEMES.map(theme => ({ title: `Theme: ${theme}`, help: 'Colours of the page', go: () => chooseTheme(theme) })),
  },
])

/** How well the letters of `query` are found in `text`, in order: lower is better; undefined where they are not. */
export function distance(query: string, text: string): number | undefined {
  const low = text.toLowerCase()
  let at = -1
  let apart = 0
  for (const letter of query.toLowerCase().replaceAll(' ', '')) {
    const next = low.indexOf(letter, at + 1)
    if (next < 0) return undefined
    const startsWord = next === 0 || /[^a-z0-9]/.test(low[next - 1] ?? '')
    apart += startsWord ? 0 : next - at - 1
    at = next
  }
  return apart + low.length / 1000
}

const MOST = 12

/** The commands that fit what was typed, the best first. */
export function commandsFor(situation: Situation): Command[] {
  const all = [...kinds].flatMap(({ name, commands }) =>
    commands(situation).map(command => ({
      command,
      away: name === 'rank' ? -1 : distance(situation.query, `${command.title} ${command.help}`),
    })),
  )
  return all
    .flatMap(({ command, away }) => (away === undefined ? [] : [{ command, away }]))
    .sort((one, other) => (situation.query === '' ? 0 : one.away - other.away))
    .slice(0, MOST)
    .map(({ command }) => command)
}
