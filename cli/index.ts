/** Commands in the order of `plumbline --help`. Each is loaded when it is used, so that an agent never loads the hub. */
import { registry } from '../base/registry'
import type { CliCommand } from './command'

export interface CommandEntry {
  readonly name: string
  readonly help: string
  load(): Promise<{ command: CliCommand }>
}

export const commands = registry<CommandEntry>('command', [
  { name: 'start', help: 'hub, dashboard and an agent for this machine', load: () => import('./start') },
  { name: 'run', help: 'run a training command and watch it', load: () => import('./run') },
  { name: 'agent', help: 'the agent alone', load: () => import('./agent') },
  { name: 'hook', help: 'the folder of plumbline_hook.py, for PYTHONPATH', load: () => import('./hook') },
  { name: 'import', help: 'a finished or crashed run from its files', load: () => import('./import') },
  {
    name: 'parse',
    help: 'what the collectors read from a file, one JSON record a line',
    load: () => import('./parse'),
  },
  { name: 'predict', help: 'Transformers Math for a config or a preset', load: () => import('./predict') },
  { name: 'report', help: 'a post-mortem as Markdown, JSON or one HTML file', load: () => import('./report') },
  { name: 'mcp', help: 'lets an assistant ask the hub, over standard input and output', load: () => import('./mcp') },
  {
    name: 'simulate',
    help: 'a fleet with known faults, to see what is found',
    load: () => import('./simulate'),
  },
  {
    name: 'probe',
    help: 'measures between idle nodes: a slow link or device, confirmed',
    load: () => import('./probe'),
  },
  { name: 'token', help: 'secrets for agents and people, given out and taken back', load: () => import('./token') },
  { name: 'store', help: 'what the store holds, and moving it into another', load: () => import('./store') },
  { name: 'doctor', help: 'what this node offers, what is missing, and how to get it', load: () => import('./doctor') },
])
