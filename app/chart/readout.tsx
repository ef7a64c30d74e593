'use client'
import { format } from '../../base/units'
import { timeText } from '../data/time-text'
import { useZone } from '../ui/clock'
import { MOST_COLOURS, seriesColor } from './colour'
import { Legend, type LegendEntry } from './legend'
import { valueAt, type ChartInput } from './plot'
import { useCursor, type Axis } from './shared-axis'

/** A crowd is told by its least, its middle and its most. */
function crowdEntries({ lines, unit }: ChartInput, at: number | undefined): LegendEntry[] {
  const values = lines
    .map(line => valueAt(line, at))
    .filter(value => value !== null)
    .sort((one, other) => one - other)
  const share = (part: number) => format(values[Math.round((values.length - 1) * part)], unit)
  return [
    { name: `${lines.length} lines: least`, color: seriesColor(0), value: share(0) },
    { name: 'median', value: share(0.5) },
    { name: 'most', value: share(1) },
  ]
}

function entriesOf(input: ChartInput, at: number | undefined): LegendEntry[] {
  const { lines, band, predicted, unit } = input
  if (lines.length > MOST_COLOURS) return crowdEntries(input, at)
  const drawn = lines.map((line, place): LegendEntry => ({
    name: line.name,
    color: seriesColor(place),
    value: format(valueAt(line, at), unit),
  }))
  const low = band && format(valueAt({ x: band.x, y: band.low }, at), unit)
  const high = band && format(valueAt({ x: band.x, y: band.high }, at), unit)
  return [
    ...drawn,
    ...(band === undefined
      ? []
      : [{ name: band.name, color: seriesColor(0), kind: 'band' as const, value: `${low} – ${high}` }]),
    ...(predicted === undefined
      ? []
      : [{ name: 'predicted', color: 'var(--predicted)', kind: 'dashed' as const, value: format(predicted, unit) }]),
  ]
}

/** What the lines say under the pointer, or last. */
export function Readout({ input, axis }: { input: ChartInput; axis: Axis }) {
  const at = useCursor(axis.cursor)
  const zone = useZone()
  const entries = entriesOf(input, at)
  const place =
    at === undefined
      ? undefined
      : axis.kind === 'time'
        ? [timeText(at, zone), axis.noteAt?.(at)].filter(Boolean).join(' · ')
        : `step ${Math.round(at).toLocaleString('en-US')}`
  return <Legend entries={entries} wraps={false} {...(place !== undefined && { note: place })} />
}
