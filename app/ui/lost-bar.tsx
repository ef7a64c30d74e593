'use client'
import { useConnection } from '../data/live'
import { useNow } from '../data/now'
import { ageText } from './age'
import styles from './lost-bar.module.css'

/** Says that the hub is away, over the foot of the page: nothing moves, and what is on the screen stays. */
export function LostBar() {
  const { state, lastDataAt } = useConnection()
  return state === 'lost' ? <Lost lastDataAt={lastDataAt} /> : null
}

function Lost({ lastDataAt }: { lastDataAt: number | undefined }) {
  const now = useNow()
  const last = lastDataAt === undefined ? 'no data yet' : `last data ${ageText(now - lastDataAt)} ago`
  return (
    <div className={styles.bar} role="alert" aria-live="off">
      <strong>Hub not reachable</strong>
      <span>{last}; trying again. What you see is what was known then.</span>
    </div>
  )
}
