'use client'
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import type { RankMap } from '../../wire/api'
import { HEAT_MARGIN } from './heat'
import styles from './heat-canvas.module.css'
import { cellArea, paintHeat, type Area } from './heat-paint'
import { usePalette } from './palette'

export interface Cell {
  readonly row: number
  readonly column: number
}

interface HeatCanvasProps {
  map: RankMap | undefined
  label: string
  height: number
  empty: string | undefined
  /** What is said of a cell: under the pointer, or walked to with the arrow keys. */
  describe: (cell: Cell) => ReactNode
}

const MOVES: Readonly<Record<string, readonly [row: number, column: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
}

function within(map: RankMap, row: number, column: number): Cell {
  return {
    row: Math.min(map.ranks.length - 1, Math.max(0, row)),
    column: Math.min(map.step.length - 1, Math.max(0, column)),
  }
}

/** The cell at a point of the canvas; undefined beside the cells. */
function cellAt(map: RankMap, size: Area, x: number, y: number): Cell | undefined {
  const cells = cellArea(size)
  const column = Math.floor(((x - HEAT_MARGIN.left) / cells.width) * map.step.length)
  const row = Math.floor(((y - HEAT_MARGIN.top) / cells.height) * map.ranks.length)
  return column < 0 || row < 0 || column >= map.step.length || row >= map.ranks.length ? undefined : { row, column }
}

function useSize(): [React.RefObject<HTMLDivElement | null>, Area] {
  const box = useRef<HTMLDivElement>(null)
  const [size, setSize] = useState<Area>({ width: 0, height: 0 })
  useEffect(() => {
    if (box.current === null) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setSize({ width: entry.contentRect.width, height: entry.contentRect.height })
    })
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [])
  return [box, size]
}

function Marker({ map, cell, size, children }: { map: RankMap; cell: Cell; size: Area; children: ReactNode }) {
  const cells = cellArea(size)
  const width = cells.width / map.step.length
  const height = cells.height / map.ranks.length
  const left = HEAT_MARGIN.left + cell.column * width
  const top = HEAT_MARGIN.top + cell.row * height
  const isRight = left > size.width / 2
  const isLow = top > size.height / 2
  return (
    <>
      <div className={styles.cell} style={{ left, top, width, height }} />
      <div
        className={styles.note}
        role="status"
        style={{
          ...(isRight ? { right: size.width - left + 10 } : { left: left + width + 10 }),
          ...(isLow ? { bottom: size.height - top + 4 } : { top: top + height + 4 }),
        }}
      >
        {children}
      </div>
    </>
  )
}

/** Rows of ranks, columns of steps, a colour for each value. */
export function HeatCanvas({ map, label, height, empty, describe }: HeatCanvasProps) {
  const palette = usePalette()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [box, size] = useSize()
  const [picked, setPicked] = useState<Cell>()
  useEffect(() => {
    if (canvas.current !== null && map !== undefined && palette !== undefined) {
      paintHeat(canvas.current, map, size, palette)
    }
  }, [map, size, palette])
  const walk = (event: KeyboardEvent) => {
    if (event.key === 'Escape') setPicked(undefined)
    const move = MOVES[event.key]
    if (move === undefined || map === undefined || map.step.length === 0) return
    event.preventDefault()
    const from = picked ?? { row: 0, column: map.step.length }
    setPicked(within(map, picked === undefined ? 0 : from.row + move[0], from.column + move[1]))
  }
  const shown = map === undefined || picked === undefined ? undefined : within(map, picked.row, picked.column)
  return (
    <div ref={box} className={styles.frame} style={{ height }}>
      <div
        role="img"
        aria-label={`${label}. Arrow keys walk over the cells.`}
        tabIndex={0}
        className={styles.canvas}
        onKeyDown={walk}
        onPointerMove={({ nativeEvent: { offsetX, offsetY } }) =>
          setPicked(map === undefined ? undefined : cellAt(map, size, offsetX, offsetY))
        }
        onPointerLeave={() => setPicked(undefined)}
        onBlur={() => setPicked(undefined)}
      >
        <canvas ref={canvas} />
      </div>
      {empty === undefined && map !== undefined && shown !== undefined && (
        <Marker map={map} cell={shown} size={size}>
          {describe(shown)}
        </Marker>
      )}
      {empty !== undefined && <p className={styles.empty}>{empty}</p>}
    </div>
  )
}
