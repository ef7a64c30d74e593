'use client'
import { Notice } from './ui/notice'

/** What Next shows when a view throws. */
export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  return (
    <Notice title="This page broke" broken>
      <p>{error.message}</p>
      <p>
        <button type="button" onClick={reset}>
          Try again
        </button>
      </p>
    </Notice>
  )
}
