/** Slurm’s topology.conf and topology.yaml: https://slurm.schedmd.com/topology.conf.html https://slurm.schedmd.com/topology.yaml.html */
import { expandHosts } from './hostlist'
import type { Cable } from './tree'

export interface Entry {
  readonly switch?: string | undefined
  readonly block?: string | undefined
  /** Host lists. */
  readonly nodes?: string | undefined
  readonly children?: string | undefined
}

/** Undefined where a host list is malformed. */
export function cablesOf(entry: Entry, source: string): Cable[] | undefined {
  const name = entry.switch ?? entry.block
  const nodes = expandHosts(entry.nodes ?? '')
  const children = expandHosts(entry.children ?? '')
  if (name === undefined || nodes === undefined || children === undefined) return undefined
  const tier = entry.block === undefined ? {} : { tier: 'accelerator' }
  return [
    ...nodes.map((node): Cable => ({ kind: 'topology', node, switch: name, ...tier, source })),
    ...children.map((below): Cable => ({ kind: 'topology', below, switch: name, ...tier, source })),
  ]
}

/** `SwitchName=s1 Nodes=n[1-4] Switches=… LinkSpeed=…` as its parts; keys are in any case. */
export function entryOfLine(line: string): Entry | undefined {
  const fields = new Map<string, string>()
  for (const [, key = '', value] of line.matchAll(/(\w{1,32})=(\S{1,100000})/g))
    fields.set(key.toLowerCase(), value ?? '')
  const entry = {
    switch: fields.get('switchname'),
    block: fields.get('blockname'),
    nodes: fields.get('nodes'),
    children: fields.get('switches'),
  }
  return entry.switch === undefined && entry.block === undefined ? undefined : entry
}
