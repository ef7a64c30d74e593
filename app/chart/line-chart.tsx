'use client'
import { useMemo, useState } from 'react'
import type { ChartInput } from './plot'
import { createCursor, useAxis, type Axis } from './shared-axis'
import { TimeChart } from './time-chart'

interface LineChartProps {
  input: ChartInput & { readonly axis: Axis['kind'] }
  label: string
  height?: number
  /** Said while no line has a point. */
  empty: string
}

/** An axis for a chart that shares none: from the first point to the last. */
function useOwnAxis({ axis: kind, lines }: LineChartProps['input']): Axis {
  const [cursor] = useState(createCursor)
  return useMemo(() => {
    const starts = lines.flatMap(({ x }) => x.slice(0, 1))
    const ends = lines.flatMap(({ x }) => x.slice(-1))
    const from = starts.length === 0 ? 0 : Math.min(...starts)
    return { kind, cursor, span: { from, to: Math.max(from + 1, ...ends) } }
  }, [kind, cursor, lines])
}

/** Lines over the stretch of time that all charts of the page share, or over steps of their own. */
export function LineChart({ input, label, height = 140, empty }: LineChartProps) {
  const shared = useAxis()
  const own = useOwnAxis(input)
  const axis = shared?.kind === input.axis ? shared : own
  return <TimeChart input={input} axis={axis} label={label} height={height} empty={empty} />
}
