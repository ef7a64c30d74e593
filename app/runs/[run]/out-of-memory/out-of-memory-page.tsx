'use client'
import type { PostMortem } from '../../../../wire/post-mortem'
import { placeText } from '../../../../wire/post-mortem-text'
import { door } from '../../../data/door'
import { usePolled } from '../../../data/use-polled'
import { Link } from '../../../ui/link'
import { Notice } from '../../../ui/notice'
import { Provenance } from '../../../ui/provenance'
import { useRunPage } from '../run-context'
import { Causes, Device, ErrorText, Gaps, History, Remedies, Victims } from './cards'
import page from '../../../ui/document.module.css'
import styles from './out-of-memory.module.css'

function Report({ found }: { found: PostMortem }) {
  return (
    <div className={`${page.sections} ${styles.post}`}>
      <Causes found={found} />
      <Device found={found} />
      <Remedies remedies={found.remedies} />
      <div className={page.pair}>
        <ErrorText found={found} />
        <History found={found} />
      </div>
      <div className={page.pair}>
        <Victims victims={found.victims} />
        <Gaps gaps={found.gaps} />
      </div>
    </div>
  )
}

/** Why a run ran out of memory, and what would have fitted: to be acted on in a minute. */
export function OutOfMemoryPage({ first }: { first: PostMortem | undefined }) {
  const { run, view } = useRunPage()
  // Asked for once: what is over does not change; a run that goes on is read anew with the page.
  const ask = (signal: AbortSignal) => door.postMortem(run, signal)
  const { value: found, error } = usePolled(`post-mortem ${run}`, ask, Infinity, first)
  const back = `/runs/${encodeURIComponent(run)}`
  return (
    <>
      <header className={page.head}>
        <h1>Out of memory</h1>
        <p className="muted">
          of <Link href={back}>{view.detail.summary.name}</Link>
          {found !== undefined && `: ${placeText(found)}`}
        </p>
        <Provenance kind="derived" />
        {found !== undefined && (
          <p className={styles.exports}>
            <a href={door.report(run, 'md')} download={`${run}.md`}>
              Markdown
            </a>
            <a href={door.report(run, 'html')} download={`${run}.html`}>
              HTML
            </a>
          </p>
        )}
      </header>
      {error?.status === 404 && (
        <Notice title="No memory ran out">
          <p>{error.message}</p>
          <p>
            <Link href={back}>Back to the run</Link>
          </p>
        </Notice>
      )}
      {error !== undefined && error.status !== 404 && (
        <Notice title="The post-mortem cannot be had" broken>
          <p>{error.message}</p>
          {error.fix !== undefined && <p>{error.fix}</p>}
        </Notice>
      )}
      {error === undefined && found === undefined && <p className="muted">Asking the hub …</p>}
      {found?.recovered === true && (
        <p className={styles.recovered}>The job went on after it: somebody caught the error.</p>
      )}
      {found !== undefined && <Report found={found} />}
    </>
  )
}
