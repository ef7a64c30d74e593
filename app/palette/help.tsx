'use client'
import { Dialog } from '../ui/dialog'
import { KEYS } from './keys'
import styles from './palette.module.css'

/** All keys at a glance. */
export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog label="Keys" onClose={onClose}>
      <h2 className={styles.title}>Keys</h2>
      <dl className={styles.keys}>
        {KEYS.map(({ keys, does }) => (
          <div key={does} className="contents">
            <dt>
              {keys.map(key => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
