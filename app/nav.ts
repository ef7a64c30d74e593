/** The pages that the header leads to, in its order. `key`: press g, then this key. */
import { registry } from '../base/registry'

export interface PageEntry {
  readonly name: string
  readonly href: string
  readonly title: string
  readonly help: string
  readonly key: string
}

export const pages = registry<PageEntry>('page', [
  { name: 'runs', href: '/', title: 'Runs', help: 'Training jobs, live and past', key: 'r' },
  { name: 'compare', href: '/compare', title: 'Compare', help: 'Runs over each other, step by step', key: 'm' },
  { name: 'cluster', href: '/cluster', title: 'Cluster', help: 'Nodes, agents and what they collect', key: 'c' },
  {
    name: 'settings',
    href: '/settings',
    title: 'Settings',
    help: 'What this browser and this hub are set to',
    key: 's',
  },
])
