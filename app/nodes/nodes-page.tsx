'use client'
import type { NodeInfo } from '../../wire/api'
import { useNodes } from '../data/use-polled'
import { Notice } from '../ui/notice'
import { NodeCard } from './node-card'
import styles from './nodes.module.css'

/** Every agent, what it collects, and what keeps it from collecting more. */
export function NodesPage({ first }: { first: readonly NodeInfo[] | undefined }) {
  const { value: nodes, error } = useNodes(1000, first)
  if (nodes === undefined && error !== undefined) {
    return (
      <Notice title="The list of nodes cannot be had" broken>
        <p>{error.message}</p>
        {error.fix !== undefined && <p>{error.fix}</p>}
      </Notice>
    )
  }
  if (nodes === undefined) return <p className="muted">Asking the hub for its nodes …</p>
  if (nodes.length === 0) {
    return (
      <Notice title="No agent has reported yet">
        <p>
          Start one on each node with <code>plumbline agent --hub URL</code>, where URL is the address of this page.
        </p>
        <p>
          <code>plumbline doctor</code> tells what a node offers and what is missing.
        </p>
      </Notice>
    )
  }
  const connected = nodes.filter(node => node.connected).length
  return (
    <>
      <div className={styles.head}>
        <h1>Nodes</h1>
        <p className="muted">
          {connected} of {nodes.length} connected
        </p>
      </div>
      <div className={styles.list}>
        {nodes.map(node => (
          <NodeCard key={node.node} node={node} />
        ))}
      </div>
    </>
  )
}
