'use client'
import { useMemo, useRef, type KeyboardEvent, type ReactNode } from 'react'
import { lineColumns } from '../data/csv'
import { Save } from '../ui/save'
import { MOST_COLOURS, seriesColor } from './colour'
import { chartImage } from './image'
import { Crosshair, Dragged, Marks } from './over'
import over from './over.module.css'
import { bandPath, linePath, percent, UNITS, type Range } from './path'
import { plotOf, type ChartInput, type Plot } from './plot'
import { Readout } from './readout'
import type { Axis } from './shared-axis'
import { tickText } from './ticks'
import { Across } from './ticks-across'
import styles from './time-chart.module.css'
import { timeAt, useDrag } from './use-drag'

interface TimeChartProps {
  input: ChartInput
  axis: Axis
  label: string
  height: number
  /** Said in the place of the lines while there are none. */
  empty: string
}

const KEY_SHARE = 0.01
const KEY_SHARE_FAST = 0.1

/** From the top down, in per cent. */
const down = (value: number, scale: Range) => `${100 - Number.parseFloat(percent(value, scale))}%`

function Stretched({ children }: { children: ReactNode }) {
  return (
    <svg viewBox={`0 0 ${UNITS} ${UNITS}`} preserveAspectRatio="none" width="100%" height="100%">
      {children}
    </svg>
  )
}

/** Drawn anew only when the lines, or what they span, change. */
function Lines({ input, plot, across }: { input: ChartInput; plot: Plot; across: Range }) {
  const { band, lines } = input
  const { scale, predicted } = plot
  return useMemo(() => {
    const isCrowd = lines.length > MOST_COLOURS
    return (
      <>
        {scale.ticks.map(tick => (
          <line key={tick} className={styles.grid} x1="0" x2="100%" y1={down(tick, scale)} y2={down(tick, scale)} />
        ))}
        <Stretched>
          {band !== undefined && (
            <path className={styles.band} d={bandPath(band.x, band.low, band.high, across, scale)} />
          )}
          {lines.map((line, place) => (
            <path
              key={line.name}
              className={isCrowd ? `${styles.line} ${styles.crowd}` : styles.line}
              stroke={isCrowd ? seriesColor(0) : seriesColor(place)}
              d={linePath(line.x, line.y, across, scale)}
              vectorEffect="non-scaling-stroke"
            />
          ))}
        </Stretched>
        {predicted !== undefined && (
          <line className={styles.predicted} x1="0" x2="100%" y1={down(predicted, scale)} y2={down(predicted, scale)} />
        )}
      </>
    )
  }, [band, lines, scale, predicted, across])
}

function Up({ plot: { scale }, input, height }: { plot: Plot; input: ChartInput; height: number }) {
  return (
    <svg className={styles.up} width="100%" height={height} aria-hidden="true">
      {scale.ticks.map(tick => (
        <text key={tick} x="100%" y={down(tick, scale)} dy="0.32em" textAnchor="end">
          {tickText(tick, input.unit)}
        </text>
      ))}
    </svg>
  )
}

/** Lines over time or steps. Drag for a stretch, double click for all; the pointer is shown on all charts of the axis. */
export function TimeChart({ input, axis, label, height, empty }: TimeChartProps) {
  const { span, cursor, brush, reset } = axis
  const across = useMemo(() => ({ low: span.from, high: span.to }), [span])
  const frame = useRef<HTMLDivElement>(null)
  const plot = useMemo(() => plotOf(input, span), [input, span])
  const { dragged, handlers } = useDrag(span, stretch => brush?.(stretch))
  const walk = (event: KeyboardEvent) => {
    const way = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (event.key === 'Escape') cursor.set(undefined)
    if (way === 0) return
    event.preventDefault()
    const from = cursor.get() ?? (way > 0 ? span.from : span.to)
    const by = (event.shiftKey ? KEY_SHARE_FAST : KEY_SHARE) * (span.to - span.from)
    cursor.set(Math.min(span.to, Math.max(span.from, from + way * by)))
  }
  return (
    <div className={over.holder}>
      <Readout input={input} axis={axis} />
      <div className={over.save}>
        <Save
          name={label}
          columns={() => lineColumns(axis.kind === 'time' ? 'time' : 'step', input.lines)}
          png={() => (frame.current === null ? Promise.reject(new Error('gone')) : chartImage(frame.current, label))}
        />
      </div>
      <div ref={frame} className={styles.frame}>
        <Up plot={plot} input={input} height={height} />
        <div
          className={styles.plot}
          role="img"
          aria-label={`${label}. Arrow keys walk along it.`}
          tabIndex={0}
          {...handlers}
          onPointerMove={event => {
            handlers.onPointerMove(event)
            cursor.set(timeAt(event, span))
          }}
          onPointerLeave={() => cursor.set(undefined)}
          onBlur={() => cursor.set(undefined)}
          onClick={event => event.shiftKey && axis.annotate?.(timeAt(event, span))}
          onDoubleClick={reset}
          onKeyDown={walk}
        >
          <svg width="100%" height={height}>
            <Lines input={input} plot={plot} across={across} />
            <Crosshair axis={axis} across={across} />
            {brush !== undefined && <Dragged dragged={dragged} across={across} />}
            <Marks axis={axis} across={across} />
          </svg>
        </div>
        <Across axis={axis} across={across} />
      </div>
      {plot.isEmpty && <p className={over.empty}>{empty}</p>}
    </div>
  )
}
