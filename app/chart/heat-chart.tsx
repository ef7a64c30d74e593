'use client'
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react'
import type { HeatMap } from '../../wire/heat'
import type { Span } from '../data/time-window'
import { Save } from '../ui/save'
import { heatColumns, heatPixels, labelPlaces, shadesOf } from './heat'
import styles from './heat-chart.module.css'
import { chartImage } from './image'
import { Crosshair, Dragged, Marks } from './over'
import over from './over.module.css'
import { percent } from './path'
import type { Axis } from './shared-axis'
import { Across } from './ticks-across'
import { timeAt, useDrag } from './use-drag'

interface HeatChartProps {
  /** What it is called when it is taken away. */
  name: string
  map: HeatMap | undefined
  /** Rows of the map from the top down. */
  order: readonly number[]
  axis: Axis
  /** What stands beside a row. */
  rowLabel: (row: number) => string
  label: string
  height: number
  empty: string | undefined
  /** The row that is marked. */
  picked: number | undefined
  onPick: (row: number) => void
  /** What is said of a cell: under the pointer, or walked to with the arrow keys. */
  describe: (row: number, column: number) => ReactNode
}

interface Cell {
  /** Place in the order, from the top. */
  readonly place: number
  readonly at: number
}

const LABEL_PIXELS = 14
const HEAT_STOPS = 6
const SVG_PIXELS = 1

let shades: Uint32Array | undefined
/** The same in both themes: read once. */
function heatShades(): Uint32Array {
  const style = getComputedStyle(document.documentElement)
  const stops = Array.from({ length: HEAT_STOPS }, (_, stop) => style.getPropertyValue(`--heat-${stop}`).trim())
  return (shades ??= shadesOf(stops))
}

/** The map spans what was asked for, the axis what there is: the canvas lies where its moments are. */
function lay(canvas: HTMLCanvasElement, map: HeatMap, span: Span): void {
  const across = { low: span.from, high: span.to }
  canvas.style.left = percent(map.from, across)
  canvas.style.width = `${((map.to - map.from) / (span.to - span.from)) * 100}%`
}

function paint(canvas: HTMLCanvasElement, map: HeatMap, order: readonly number[], mostRows: number): void {
  const began = performance.now()
  const { pixels, height } = heatPixels(map, order, mostRows, heatShades())
  canvas.width = Math.max(1, map.columns)
  canvas.height = Math.max(1, height)
  if (pixels.length > 0) {
    const image = new ImageData(new Uint8ClampedArray(pixels.buffer), map.columns, height)
    canvas.getContext('2d')?.putImageData(image, 0, 0)
  }
  // The browser keeps every measure: the one before would stay for as long as the page is open.
  performance.clearMeasures('heat')
  performance.measure('heat', { start: began, detail: { rows: order.length, columns: map.columns } })
}

const columnAt = ({ from, to, columns }: HeatMap, at: number) =>
  Math.min(columns - 1, Math.max(0, Math.floor(((at - from) / (to - from || 1)) * columns)))

function Labels({ order, height, rowLabel }: Pick<HeatChartProps, 'order' | 'height' | 'rowLabel'>) {
  return (
    <svg className={styles.labels} width="100%" height={height} aria-hidden="true">
      {labelPlaces(order.length, Math.floor(height / LABEL_PIXELS)).map(place => (
        <text key={place} x="100%" y={`${((place + 0.5) / order.length) * 100}%`} dy="0.32em" textAnchor="end">
          {rowLabel(order[place] ?? 0)}
        </text>
      ))}
    </svg>
  )
}

function Row({ place, count, className }: { place: number; count: number; className: string | undefined }) {
  if (place < 0) return null
  return (
    <rect
      className={className}
      x="0"
      width="100%"
      y={`${(place / count) * 100}%`}
      height={`${Math.max(0.5, 100 / count)}%`}
    />
  )
}

/** Rows of ranks, time across, a colour for each value. A press picks a rank; a drag is the brush of all charts. */
export function HeatChart(props: HeatChartProps) {
  const { name, map, order, axis, label, height, empty, picked, onPick, describe } = props
  const canvas = useRef<HTMLCanvasElement>(null)
  const frame = useRef<HTMLDivElement>(null)
  const [cell, setCell] = useState<Cell>()
  const { span } = axis
  const across = useMemo(() => ({ low: span.from, high: span.to }), [span])
  const { dragged, handlers } = useDrag(span, stretch => axis.brush?.(stretch))
  useEffect(() => {
    if (canvas.current !== null && map !== undefined) paint(canvas.current, map, order, height * 2)
  }, [map, order, height])
  useEffect(() => {
    if (canvas.current !== null && map !== undefined) lay(canvas.current, map, span)
  }, [map, span])
  const move = (event: PointerEvent) => {
    handlers.onPointerMove(event)
    const { top, height: tall } = event.currentTarget.getBoundingClientRect()
    const place = Math.floor(((event.clientY - top) / tall) * order.length)
    const at = timeAt(event, span)
    axis.cursor.set(at)
    setCell(place >= 0 && place < order.length ? { place, at } : undefined)
  }
  const leave = () => {
    axis.cursor.set(undefined)
    setCell(undefined)
  }
  const walk = (event: KeyboardEvent) => {
    const down = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    const right = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (event.key === 'Escape') leave()
    if (event.key === 'Enter' && cell !== undefined) onPick(order[cell.place] ?? 0)
    if ((down === 0 && right === 0) || map === undefined) return
    event.preventDefault()
    const step = (span.to - span.from) / Math.max(1, map.columns)
    const at = Math.min(span.to - step / 2, Math.max(span.from, (cell?.at ?? span.to) + right * step))
    setCell({
      at,
      place: Math.min(order.length - 1, Math.max(0, (cell?.place ?? 0) + (cell === undefined ? 0 : down))),
    })
    axis.cursor.set(at)
  }
  const row = cell === undefined ? undefined : order[cell.place]
  return (
    <div className={over.holder}>
      {map !== undefined && (
        <div className={over.save}>
          <Save
            name={name}
            columns={() => heatColumns(map)}
            png={() => (frame.current === null ? Promise.reject(new Error('gone')) : chartImage(frame.current, name))}
          />
        </div>
      )}
      <p className={styles.note} role="status">
        {map !== undefined && cell !== undefined && row !== undefined ? describe(row, columnAt(map, cell.at)) : label}
      </p>
      <div ref={frame} className={styles.frame}>
        <Labels {...props} />
        <div
          className={styles.cells}
          role="img"
          aria-label={`${label}. Arrow keys walk over the cells, Enter picks a rank.`}
          tabIndex={0}
          {...handlers}
          onPointerMove={move}
          onPointerLeave={leave}
          onBlur={leave}
          onClick={event => {
            if (event.shiftKey) axis.annotate?.(timeAt(event, span))
            else if (dragged === undefined && row !== undefined) onPick(row)
          }}
          onDoubleClick={axis.reset}
          onKeyDown={walk}
        >
          <svg width={SVG_PIXELS} height={height} aria-hidden="true" />
          <canvas ref={canvas} />
          <svg className={styles.over} width="100%" height={height}>
            {picked !== undefined && (
              <Row place={order.indexOf(picked)} count={order.length} className={styles.picked} />
            )}
            {cell !== undefined && <Row place={cell.place} count={order.length} className={styles.hovered} />}
            <Crosshair axis={axis} across={across} />
            <Dragged dragged={dragged} across={across} />
            <Marks axis={axis} across={across} />
          </svg>
        </div>
        <Across axis={axis} across={across} />
      </div>
      {empty !== undefined && <p className={over.empty}>{empty}</p>}
    </div>
  )
}
