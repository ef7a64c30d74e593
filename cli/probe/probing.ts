/** Asks the nodes of a probe, one after the other or in rounds of disjoint pairs, and holds what they measure. */
import { messageOf, PlumblineError } from '../../base/errors'
import { productsSchema, question, reducedSchema, sentSchema, whoSchema, type Address, type Sent } from './wire'
import type { z } from 'zod'

/** Of so many nodes all pairs are measured alone; of more, those of a round together, which share the switches above them. */
const ALONE_UP_TO = 12
const GROUP_PORT = 29_701
const BUSY_LOAD = 0.5

export interface ProbeOptions {
  readonly addresses: readonly Address[]
  readonly token: string
  readonly streams: number
  readonly seconds: number
  readonly python: string
  readonly hasTorch: boolean
  readonly say: (line: string) => void
}

export interface Node extends Address {
  readonly node: string
}
export interface PairResult extends Sent {
  readonly from: string
  readonly to: string
}
export interface ProductResult {
  readonly node: string
  readonly device: string
  readonly name: string
  readonly dtype: string
  readonly flopsPerSecond: number
}
export interface GroupResult extends z.infer<typeof reducedSchema> {
  readonly nodes: readonly string[]
}
export interface ProbeResult {
  readonly nodes: readonly string[]
  readonly pairs: readonly PairResult[]
  readonly products: readonly ProductResult[]
  readonly groups: readonly GroupResult[]
  /** What could not be measured, and why. */
  readonly failures: readonly string[]
}

/** Both ways of every two, in rounds in which no node is in two pairs (the circle method). */
export function rounds<T>(nodes: readonly T[]): (readonly [T, T])[][] {
  const seats: (T | undefined)[] = nodes.length % 2 === 0 ? [...nodes] : [...nodes, undefined]
  const found: (readonly [T, T])[][] = []
  for (let round = 0; round + 1 < seats.length; round += 1) {
    const pairs = Array.from(
      { length: seats.length / 2 },
      (_, at) => [seats[at], seats[seats.length - 1 - at]] as const,
    )
    const whole = pairs.flatMap(([one, other]) =>
      one === undefined || other === undefined ? [] : [[one, other] as const],
    )
    found.push(
      whole,
      whole.map(([one, other]) => [other, one] as const),
    )
    seats.splice(1, 0, seats.pop())
  }
  return found
}

class Probing {
  readonly failures: string[] = []

  constructor(private readonly options: ProbeOptions) {}

  private async tried<T>(what: string, work: () => Promise<T>): Promise<T[]> {
    try {
      return [await work()]
    } catch (error) {
      this.failures.push(`${what}: ${messageOf(error)}`)
      return []
    }
  }

  async nodes(): Promise<Node[]> {
    const { addresses, token, say } = this.options
    const found = await Promise.all(
      addresses.map(address =>
        this.tried(`${address.host}:${address.port}`, async () => {
          const { node, load } = await question(address, token, { ask: 'who' }, whoSchema)
          if (load > BUSY_LOAD)
            say(`${node} is busy (load ${load.toFixed(2)} of its processors): it shares what is measured`)
          return { ...address, node }
        }),
      ),
    )
    return found.flat()
  }

  async pairs(nodes: readonly Node[]): Promise<PairResult[]> {
    const all = rounds(nodes)
    const turns = nodes.length > ALONE_UP_TO ? all : all.flat().map(pair => [pair])
    const found: PairResult[] = []
    for (const [number, turn] of turns.entries()) {
      if (turns.length > 20 && number % 20 === 0) this.options.say(`pairs: ${number} of ${turns.length}`)
      const sent = await Promise.all(turn.map(([from, to]) => this.pair(from, to)))
      found.push(...sent.flat())
    }
    return found
  }

  private pair(from: Node, to: Node): Promise<PairResult[]> {
    const { token, streams, seconds } = this.options
    const ask = { ask: 'send' as const, to: { host: to.host, port: to.port }, streams, seconds }
    return this.tried(`${from.node} to ${to.node}`, async () => ({
      from: from.node,
      to: to.node,
      ...(await question(from, token, ask, sentSchema)),
    }))
  }

  /** One after the other: nodes of a test may share their processors. */
  async products(nodes: readonly Node[]): Promise<ProductResult[]> {
    const { token, python } = this.options
    const found: ProductResult[] = []
    for (const node of nodes)
      for (const all of await this.tried(`matmul on ${node.node}`, () =>
        question(node, token, { ask: 'matmul', python }, productsSchema),
      ))
        found.push(...all.map(one => ({ node: node.node, ...one })))
    return found
  }

  group(nodes: readonly Node[], number: number): Promise<GroupResult[]> {
    const { token, python } = this.options
    const [first] = nodes
    if (first === undefined || nodes.length < 2) return Promise.resolve([])
    const names = nodes.map(({ node }) => node)
    return this.tried(`all-reduce of ${names.join(', ')}`, async () => {
      const master = { host: first.host, port: GROUP_PORT + number }
      const members = nodes.map((node, rank) =>
        question(node, token, { ask: 'group', python, rank, worldSize: nodes.length, master }, reducedSchema),
      )
      const [slowest] = (await Promise.all(members)).sort((one, other) => other.seconds - one.seconds)
      if (slowest === undefined) throw new Error('nobody answered')
      return { nodes: names, ...slowest }
    })
  }
}

/** `groups`: nodes by name that are to reduce together, besides all of them. Never throws for a node that fails. */
export async function probe(
  options: ProbeOptions,
  groupsOf: (nodes: readonly string[]) => readonly (readonly string[])[],
): Promise<ProbeResult> {
  const probing = new Probing(options)
  const nodes = await probing.nodes()
  const names = nodes.map(({ node }) => node)
  if (names.length < 2)
    throw new PlumblineError(`fewer than two nodes answer\n${probing.failures.join('\n')}`, {
      fix: 'start `plumbline probe --listen` on each, with the same --secret',
    })
  options.say(`${names.length} nodes: ${names.join(', ')}`)
  const pairs = await probing.pairs(nodes)
  const products = options.hasTorch ? await probing.products(nodes) : []
  const groups: GroupResult[] = []
  const wanted = options.hasTorch && products.length > 0 ? [names, ...groupsOf(names)] : []
  for (const [number, members] of wanted.entries())
    groups.push(
      ...(await probing.group(
        nodes.filter(({ node }) => members.includes(node)),
        number,
      )),
    )
  return { nodes: names, pairs, products, groups, failures: probing.failures }
}
