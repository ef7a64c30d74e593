/** By what way devices and ranks reach one another: told by the agent, kept, and answered. */
import { describe, expect, it } from 'vitest'
import { nvidiaTopo } from '../../collectors/nvidia-topo'
import { waysOf } from '../../hub/queries/ways'
import { newFacts } from '../../hub/run-facts'
import type { WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'
import { FakeHost } from './fake-host'
import { ownStore } from './own-store'
import { batchOf } from './records'

const TOPO = `\tGPU0\tGPU1\tNIC0\tCPU Affinity\tNUMA Affinity
GPU0\t X \tNV18\tPIX\t0-55\t0
GPU1\tNV18\t X \tSYS\t56-111\t1
NIC0\tPIX\tSYS\t X \t\t

NIC Legend:

  NIC0: mlx5_0
`

class WithTopo extends FakeHost {
  said = TOPO
  override run(command = '', args: readonly string[] = []) {
    const answer = /nvidia-smi topo -m$/.test([command, ...args].join(' ')) ? this.said : ''
    return Promise.resolve({ code: answer === '' ? 1 : 0, stdout: answer, stderr: '' })
  }
}

describe('the collector of ways', () => {
  it('tells what topo -m says, and again only when it says otherwise', async () => {
    const host = new WithTopo()
    expect(await nvidiaTopo.detect(host)).toEqual({
      available: true,
      detail: 'nvidia-smi topo -m: the ways between 3 devices and NICs',
    })
    const batch = new Batch()
    const settings = { intervalMs: 1000, logs: [], scrape: [], run: undefined, fromStart: false, synthetic: false }
    const context = { host, settings, batch: () => batch, cursor: undefined, warn: () => undefined }
    const session = await nvidiaTopo.open(context)
    await session.collect()
    await session.collect()
    expect(batch.records()).toHaveLength(6)
    host.said = TOPO.replaceAll('NV18', 'NV12')
    await session.collect()
    expect(batch.records().slice(6)).toContainEqual({
      kind: 'path',
      time: host.clock,
      node: 'node-a',
      from: 'GPU0',
      to: 'GPU1',
      path: 'NV12',
    })
  })

  it('is absent where one device is alone', async () => {
    const host = new WithTopo()
    host.said = '\tGPU0\tCPU Affinity\nGPU0\t X \t0-7\n'
    expect(await nvidiaTopo.detect(host)).toMatchObject({ available: false, fix: /none is needed/ })
  })
})

describe('the ways of a run', () => {
  const store = ownStore()

  it('are those said last, nodes that are alike together, ranks by way', async () => {
    const way = (node: string, time: number, from: string, to: string, path: string): WireRecord => ({
      kind: 'path',
      time,
      node,
      from,
      to,
      path,
    })
    const records = ['n1', 'n2', 'n3'].flatMap(node => [
      way(node, 100, 'GPU0', 'GPU10', 'SYS'),
      way(node, 200, 'GPU0', 'GPU10', node === 'n3' ? 'SYS' : 'NV18'),
      way(node, 200, 'GPU10', 'GPU2', 'PIX'),
    ])
    const ranks = [
      way('n1', 5000, 'rank 0', 'rank 1', 'P2P/CUMEM'),
      way('n1', 5000, 'rank 1', 'rank 2', 'NET/IB/0/GDRDMA'),
      way('n2', 5000, 'rank 2', 'rank 0', 'NET/IB/0/GDRDMA'),
      // Of a run before.
      way('n1', 1000, 'rank 5', 'rank 6', 'SHM/direct/direct'),
    ]
    await store().insert(batchOf([...records, ...ranks, way('elsewhere', 200, 'GPU0', 'GPU1', 'PHB')]), {
      agent: 'a',
      sequence: 1,
      receivedAt: store().arrival(),
    })
    const facts = newFacts('r', 5000)
    for (const node of ['n1', 'n2', 'n3']) facts.nodes.add(node)
    const { nodes, ranks: between } = await waysOf(store(), facts)
    expect(nodes.map(({ nodes: alike }) => alike.sort())).toEqual([['n1', 'n2'], ['n3']])
    expect(nodes[0]).toMatchObject({
      devices: ['GPU0', 'GPU2', 'GPU10'],
      ways: [
        ['', '', 'NV18'],
        ['', '', ''],
        ['', 'PIX', ''],
      ],
    })
    expect(between).toEqual([
      { way: 'NET/IB/0/GDRDMA', pairs: 2, example: 'rank 1 → rank 2' },
      { way: 'P2P/CUMEM', pairs: 1, example: 'rank 0 → rank 1' },
    ])
    expect(await waysOf(store(), newFacts('none', 5000))).toEqual({ nodes: [], ranks: [] })
  })
})
