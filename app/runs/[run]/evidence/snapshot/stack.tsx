'use client'
import { useState } from 'react'
import type { Named } from '../../../../../wire/memory-snapshot'
import { callerText, stackLines } from '../../../../data/snapshot/names'
import { Card } from '../../../../ui/card'
import styles from './snapshot.module.css'

/** A stack of an answer, and what it is of. */
export interface Shown {
  readonly named: Named
  readonly stack: number
  readonly what: string
}

/** Where what is pointed at, or picked, was asked for. */
export function Stack({ shown }: { shown: Shown | undefined }) {
  const [isAll, setAll] = useState(false)
  const lines = shown === undefined ? [] : stackLines(shown.named, shown.stack, isAll)
  const count = (all: boolean) => (shown === undefined ? 0 : stackLines(shown.named, shown.stack, all).length)
  const more = count(true) - count(false)
  return (
    <Card
      title="Where it was asked for"
      aside={shown && callerText(shown.named, shown.stack)}
      note={shown?.what ?? 'Point at an allocation, or pick one.'}
    >
      <pre className={styles.stack} tabIndex={0} data-testid="stack">
        {shown !== undefined && lines.length === 0
          ? 'No stack was recorded: torch.cuda.memory._record_memory_history() before the run records them.'
          : lines.join('\n')}
      </pre>
      {more > 0 && (
        <button type="button" className={styles.more} aria-pressed={isAll} onClick={() => setAll(!isAll)}>
          {isAll ? 'Python alone' : `and ${more} frames of C++`}
        </button>
      )}
    </Card>
  )
}
