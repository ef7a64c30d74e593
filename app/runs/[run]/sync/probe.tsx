'use client'
import { format } from '../../../../base/units'
import type { Finding } from '../../../../wire/findings'
import type { ProbeReport } from '../../../../wire/probe'
import { useProbe } from '../../../data/use-sync'
import { Card } from '../../../ui/card'
import { Clock } from '../../../ui/clock'
import { Copy } from '../../../ui/copy'
import { Provenance } from '../../../ui/provenance'
import { useRunPage } from '../run-context'
import styles from './probe.module.css'

/** More nodes than this make no table that one can read. */
const MOST_NODES = 24
/** Of what the faster ways reach. */
const [SLOW, OFF] = [0.5, 0.8]

const speed = (bytesPerSecond: number) => format(8 * bytesPerSecond, 'bitsPerSecond')

/** Who sends down, who receives across; coloured by how it is beside the fastest of the nodes. */
function Ways({ nodes, pairs }: ProbeReport) {
  const reached = new Map(pairs.map(({ from, to, bytesPerSecond }) => [`${from} ${to}`, bytesPerSecond]))
  const ascending = pairs.map(({ bytesPerSecond }) => bytesPerSecond).sort((one, other) => one - other)
  const usual = ascending[Math.floor(0.75 * (ascending.length - 1))] ?? NaN
  const state = (value: number | undefined) =>
    value === undefined ? 'none' : value < SLOW * usual ? 'blamed' : value < OFF * usual ? 'off' : 'well'
  return (
    <div className={styles.scroll} tabIndex={0} role="group" aria-label="Speed from node to node">
      <table className={styles.ways}>
        <thead>
          <tr>
            <th scope="col">from, to</th>
            {nodes.map(node => (
              <th key={node} scope="col">
                {node}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {nodes.map(from => (
            <tr key={from}>
              <th scope="row">{from}</th>
              {nodes.map(to => {
                const value = reached.get(`${from} ${to}`)
                return (
                  <td key={to} data-state={state(value)}>
                    {value === undefined ? (from === to ? '' : '–') : speed(value)}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Devices and groups, one line each. */
function Others({ products, groups }: ProbeReport) {
  if (products.length + groups.length === 0) return null
  return (
    <ul className={styles.others}>
      {groups.map(({ nodes, backend, busBytesPerSecond }) => (
        <li key={`${backend} ${nodes.join()}`}>
          All-reduce of {nodes.length > 6 ? `${nodes.length} nodes` : nodes.join(', ')} ({backend}):{' '}
          {speed(busBytesPerSecond)} of bus bandwidth
        </li>
      ))}
      {products.map(({ node, device, dtype, flopsPerSecond }) => (
        <li key={`${node} ${device}`}>
          Matrix product on {device} of {node} ({dtype}): {format(flopsPerSecond, 'flopsPerSecond')}
        </li>
      ))}
    </ul>
  )
}

/** How to be sure before a drain. */
function Suggestion({ nodes }: { nodes: readonly string[] }) {
  const command = `plumbline probe --secret SECRET ${nodes.join(' ')}`
  return (
    <Card
      title="Be sure before a drain"
      note="Once the nodes are idle: `plumbline probe --listen --secret SECRET` on each of them, then this on one of them. It measures every way between them."
    >
      <Copy command={command} />
    </Card>
  )
}

/** What a probe of idle nodes measured, beside what the run only hints at. */
export function Probe({ finding }: { finding: Finding | undefined }) {
  const page = useRunPage()
  const { value: report } = useProbe(page)
  if (report === undefined) return null
  const suspects = finding?.nodes ?? []
  const isOfLinks = (finding?.links ?? []).length > 0
  if (report === null) return isOfLinks && suspects.length > 1 ? <Suggestion nodes={suspects} /> : null
  const { verdicts, nodes, time } = report
  return (
    <Card
      title="Probe"
      aside={
        <>
          <Clock time={time} withDate />
          <Provenance kind="measured" />
        </>
      }
      note={`${nodes.length} idle nodes, each way by itself.`}
    >
      {verdicts.length === 0 && <p>Nothing stands out.</p>}
      {verdicts.map(({ title, evidence }) => (
        <p key={title} data-testid="probe-verdict">
          <strong>{title}.</strong> {evidence}
        </p>
      ))}
      {nodes.length <= MOST_NODES && <Ways {...report} />}
      <Others {...report} />
    </Card>
  )
}
