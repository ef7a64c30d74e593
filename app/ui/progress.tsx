import styles from './progress.module.css'

/** A thin bar, 0..1; what it says stands in words beside it. */
export function Progress({ share }: { share: number }) {
  return (
    <svg className={styles.progress} width="100%" height="3" aria-hidden="true">
      <rect className={styles.track} width="100%" height="3" rx="1.5" />
      <rect className={styles.done} width={`${Math.min(1, Math.max(0, share)) * 100}%`} height="3" rx="1.5" />
    </svg>
  )
}
