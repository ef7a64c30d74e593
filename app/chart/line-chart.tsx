'use client'
import { useMemo } from 'react'
import { Chart } from './chart'
import { lineOption, type LineInput } from './line'
import { usePalette, seriesColor, type Palette } from './palette'

type Input = Omit<LineInput, 'lines'> & { lines: readonly Omit<LineInput['lines'][number], 'color'>[] }

function coloured({ lines, ...rest }: Input, palette: Palette): LineInput {
  return { ...rest, lines: lines.map((line, place) => ({ ...line, color: seriesColor(palette, place) })) }
}

interface LineChartProps {
  input: Input
  label: string
  height?: number
  /** Said while no line has a point. */
  empty: string
}

/** Lines in the colours of their places. */
export function LineChart({ input, label, height = 168, empty }: LineChartProps) {
  const palette = usePalette()
  const option = useMemo(
    () => (palette === undefined ? { animation: false } : lineOption(coloured(input, palette), palette)),
    [input, palette],
  )
  const hasData = input.lines.some(line => line.y.some(value => value !== null))
  return <Chart option={option} label={label} height={height} empty={hasData ? undefined : empty} />
}
