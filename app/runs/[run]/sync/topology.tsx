'use client'
import { grouped } from '../../../../base/grouped'
import type { FabricPicture } from '../../../../wire/fabric-picture'
import type { Blamed } from '../../../data/blame'
import { Legend } from '../../../chart/legend'
import { Card } from '../../../ui/card'
import styles from './sync.module.css'

interface TopologyProps {
  picture: FabricPicture | undefined
  blamed: Blamed
  /** Ranks on blamed nodes and links. */
  suspects: readonly number[]
}

/** Works so much longer than its peers: worth a look, though nobody is blamed. */
const OFF = 0.1

interface Seat {
  readonly rank: number
  readonly excess: number | null
}

function RankMark({ seat, blamed }: { seat: Seat; blamed: Blamed }) {
  const state = blamed.ranks.has(seat.rank) ? 'blamed' : (seat.excess ?? 0) > OFF ? 'off' : 'well'
  const excess = seat.excess === null ? '' : `, works ${(seat.excess * 100).toFixed(0)} % longer than its peers`
  return <i className={styles.rank} data-state={state} title={`rank ${seat.rank}${excess}`} />
}

function NodeBox({ node, seats, blamed }: { node: string; seats: readonly Seat[]; blamed: Blamed }) {
  const isBlamed = blamed.nodes.has(node)
  const has = seats.some(({ rank }) => blamed.ranks.has(rank))
  return (
    <div className={styles.node} data-state={isBlamed ? 'blamed' : has ? 'has' : 'well'} title={node}>
      <span>
        <bdi>{node}</bdi>
      </span>
      <div className={styles.ranks}>
        {seats.map(seat => (
          <RankMark key={seat.rank} seat={seat} blamed={blamed} />
        ))}
      </div>
    </div>
  )
}

/** What joins the leaves; which of several is above which leaf, the name says. */
function Spine({ slow }: { slow: readonly string[] }) {
  return (
    <div className={styles.spine} data-state={slow.length > 0 ? 'blamed' : 'well'}>
      {slow.length > 0 ? `${slow.join(', ')} slow` : 'spine'}
    </div>
  )
}

const LEGEND = [
  { name: 'blamed', color: 'var(--critical)' },
  { name: 'works longer', color: 'var(--warning)' },
  { name: 'well', color: 'var(--good)' },
]

/** Switches, the nodes below them and their ranks, coloured by health. */
export function Topology({ picture, blamed, suspects }: TopologyProps) {
  if (picture === undefined || picture.nodes.length === 0) return null
  const seats = new Map<string, Seat[]>()
  for (const [place, rank] of picture.ranks.rank.entries()) {
    const node = picture.ranks.node[place] ?? ''
    seats.set(node, [...(seats.get(node) ?? []), { rank, excess: picture.ranks.excess[place] ?? null }])
  }
  // A node on several rails stands below each set of switches that it shares with others.
  const leaves = [...grouped(picture.nodes, ({ switches }) => switches.join(', '))]
  const leaf = (name: string) => name.split(', ')
  const note = picture.isInferred
    ? 'Nobody told the cables: LLDP on the nodes, or --topology FILE, puts each node below its switch.'
    : `${leaves.length} ${leaves.length === 1 ? 'leaf' : 'leaves'}, ${picture.nodes.length} nodes, ${picture.ranks.rank.length} ranks${
        suspects.length === 0
          ? ''
          : `; ${suspects.length} ${suspects.length === 1 ? 'rank stands' : 'ranks stand'} where it is slow`
      }.`
  return (
    <Card title="Topology" aside={<Legend entries={LEGEND} />} note={note}>
      {!picture.isInferred && leaves.length > 1 && <Spine slow={[...blamed.spines]} />}
      <div className={styles.leaves} tabIndex={0} role="group" aria-label="Switches and nodes">
        {leaves.map(([name, nodes]) => {
          const isSlow = leaf(name).some(one => blamed.switches.has(one))
          const isUplinkSlow = leaf(name).some(one => blamed.uplinks.has(one))
          return (
            <section
              key={name}
              className={styles.leaf}
              data-state={isSlow ? 'blamed' : 'well'}
              aria-label={name || 'Nodes'}
            >
              {!picture.isInferred && (
                <i
                  className={styles.uplink}
                  data-state={isUplinkSlow ? 'blamed' : 'well'}
                  title={`uplink of ${name}`}
                />
              )}
              {!picture.isInferred && (
                <h3>
                  {name}
                  {(isSlow || isUplinkSlow) && (
                    <span className={styles.word}>
                      {' '}
                      {isSlow && isUplinkSlow ? 'or its uplink is slow' : isSlow ? 'slow' : 'uplink slow'}
                    </span>
                  )}
                </h3>
              )}
              <div className={styles.nodes}>
                {nodes.map(({ node }) => (
                  <NodeBox key={node} node={node} seats={seats.get(node) ?? []} blamed={blamed} />
                ))}
              </div>
            </section>
          )
        })}
      </div>
    </Card>
  )
}
