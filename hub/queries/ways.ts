/** By what way devices and ranks reach one another, as was said last. */
import type { Ways } from '../../wire/ways'
import type { RunFacts } from '../run-facts'
import type { Store } from '../store/store'
import { numberAt, rowsOf, textAt } from './values'

/** A node with more ends than this is none that one looks at as a table. */
const MOST_DEVICES = 40
const MOST_ROWS = 200_000
/** Tools may have been asked long before the run; NCCL tells while it begins. */
const BEFORE_SECONDS = 600

const byNumber = new Intl.Collator('en', { numeric: true })

type Node = Omit<Ways['nodes'][number], 'nodes'>

function tableOf(said: ReadonlyMap<string, ReadonlyMap<string, string>>): Node {
  const ends = new Set([...said.keys(), ...[...said.values()].flatMap(row => [...row.keys()])])
  const devices = [...ends].sort(byNumber.compare).slice(0, MOST_DEVICES)
  return { devices, ways: devices.map(from => devices.map(to => said.get(from)?.get(to) ?? '')) }
}

async function nodeWays(store: Store, nodes: readonly string[]): Promise<Ways['nodes']> {
  const rows = await store.query(
    `SELECT toString(path.node) AS node, toString(path.from) AS origin, toString(path.to) AS target, argMax(toString(path.path), time) AS way
     FROM path WHERE has({nodes:Array(String)}, toString(path.node)) AND NOT startsWith(toString(path.from), 'rank ')
     GROUP BY node, origin, target LIMIT ${MOST_ROWS}`,
    { nodes },
  )
  const said = new Map<string, Map<string, Map<string, string>>>()
  for (let row = 0; row < rowsOf(rows); row += 1) {
    const text = (name: string) => textAt(rows, name, row) ?? ''
    const of = said.get(text('node')) ?? new Map<string, Map<string, string>>()
    said.set(text('node'), of)
    of.set(text('origin'), (of.get(text('origin')) ?? new Map<string, string>()).set(text('target'), text('way')))
  }
  const alike = new Map<string, Ways['nodes'][number]>()
  for (const [node, between] of said) {
    const table = tableOf(between)
    const key = JSON.stringify(table)
    const entry = alike.get(key) ?? { nodes: [], ...table }
    entry.nodes.push(node)
    alike.set(key, entry)
  }
  return [...alike.values()].sort((one, other) => other.nodes.length - one.nodes.length)
}

async function rankWays(store: Store, { nodes, startedAt }: RunFacts): Promise<Ways['ranks']> {
  const rows = await store.query(
    `SELECT way, count() AS pairs, min(concat(origin, ' → ', target)) AS example FROM (
       SELECT toString(path.from) AS origin, toString(path.to) AS target, argMax(toString(path.path), time) AS way FROM path
       WHERE has({nodes:Array(String)}, toString(path.node)) AND startsWith(toString(path.from), 'rank ') AND time >= {from:Float64}
       GROUP BY origin, target LIMIT ${MOST_ROWS})
     GROUP BY way ORDER BY pairs DESC, way LIMIT 100`,
    { nodes: [...nodes], from: startedAt - BEFORE_SECONDS },
  )
  return Array.from({ length: rowsOf(rows) }, (_, row) => ({
    way: textAt(rows, 'way', row) ?? '',
    pairs: numberAt(rows, 'pairs', row) ?? 0,
    example: textAt(rows, 'example', row) ?? '',
  }))
}

export async function waysOf(store: Store, facts: RunFacts): Promise<Ways> {
  if (facts.nodes.size === 0) return { nodes: [], ranks: [] }
  const [nodes, ranks] = await Promise.all([nodeWays(store, [...facts.nodes]), rankWays(store, facts)])
  return { nodes, ranks }
}
