'use client'
import { useMemo, useState, type ReactNode } from 'react'
import { NOTE } from '../../../wire/live'
import { nearestPlace } from '../../chart/plot'
import { AxisContext, createCursor, type Axis, type Cursor } from '../../chart/shared-axis'
import { useTimeWindow } from '../../data/address'
import type { DoorError } from '../../data/door'
import { count } from '../../data/health'
import { runSpan, viewSpan, type RunView } from '../../data/run-view'
import { WHOLE, within } from '../../data/time-window'
import { useRun } from '../../data/use-run'
import { Link } from '../../ui/link'
import { Notice } from '../../ui/notice'
import { RunContext, type RunPageState } from './run-context'
import { NoteDialog, useNoteKey } from './note-dialog'
import { RunHeader } from './run-header'
import { RunTabs } from './run-tabs'

function Failure({ run, error }: { run: string; error: DoorError }) {
  const unknown = error.status === 404
  return (
    <Notice title={unknown ? 'This run is not known' : 'This run cannot be shown'} broken>
      <p>
        <code>{run}</code>: {error.message}
      </p>
      {error.fix !== undefined && <p>{error.fix}</p>}
      <p className="muted">
        {unknown ? 'It is shown as soon as it reports. ' : 'Trying again by itself. '}
        <Link href="/">All runs</Link>
      </p>
    </Notice>
  )
}

/** The axis that all charts over time share. */
function axisOf({ view, span, whole, setWindow }: RunPageState, cursor: Cursor, annotate: Axis['annotate']): Axis {
  const { time, step } = view.steps
  return {
    kind: 'time',
    span,
    cursor,
    brush: stretch => setWindow(within(stretch, whole)),
    reset: () => setWindow(WHOLE),
    marks: view.events.flatMap(({ type, time, message }) => (type === NOTE ? [{ time, text: message }] : [])),
    ...(annotate !== undefined && { annotate }),
    noteAt: at => {
      const nearest = step[nearestPlace(time, at)]
      return nearest === undefined ? '' : `step ${count(nearest)}`
    },
  }
}

interface RunShellProps {
  run: string
  /** What the server knew when it made the page. */
  first: RunView | undefined
  children: ReactNode
}

/** The frame around every page of a run. */
export function RunShell({ run, first, children }: RunShellProps) {
  const [window, setWindow] = useTimeWindow()
  const { view, error } = useRun(run, window, first)
  const [cursor] = useState(createCursor)
  const state = useMemo(
    () => view && { run, view, whole: runSpan(view), span: viewSpan(view), setWindow },
    [run, view, setWindow],
  )
  const [noting, setNoting] = useState<number>()
  const axis = useMemo(() => state && axisOf(state, cursor, setNoting), [state, cursor])
  useNoteKey(cursor, state?.span, setNoting)
  if (state !== undefined)
    return (
      <RunContext value={state}>
        <AxisContext value={axis}>
          <RunHeader />
          <RunTabs />
          {children}
          {noting !== undefined && <NoteDialog run={run} time={noting} onClose={() => setNoting(undefined)} />}
        </AxisContext>
      </RunContext>
    )
  if (error !== undefined) return <Failure run={run} error={error} />
  return <p className="muted">Asking the hub for {run} …</p>
}
