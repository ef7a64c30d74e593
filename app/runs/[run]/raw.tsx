import { door } from '../../data/door'
import { useRunPage } from './run-context'

/** The stored rows that what is shown was made of, in the stretch of time that is looked at: a CSV. */
export function Raw({ of, from }: { of: 'steps' | 'gpus'; from?: number | undefined }) {
  const { run, span } = useRunPage()
  // A second more at the end: what came last is in.
  const stretch = { from: from ?? Math.floor(span.from), to: Math.ceil(span.to) + 1 }
  return (
    <a href={door.rawFile(run, of, stretch)} download data-screen="">
      raw samples
    </a>
  )
}
