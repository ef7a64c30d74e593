/** Puts the map on a canvas, with its labels. */
import type { RankMap } from '../../wire/api'
import { stepText } from './axis'
import { foldRows, HEAT_MARGIN, heatPixels, heatRange, labelPlaces, shadesOf } from './heat'
import type { Palette } from './palette'

const LABEL_WIDTH = 72
const LABEL_HEIGHT = 14

export interface Area {
  readonly width: number
  readonly height: number
}

/** The part of the canvas that holds cells. */
export function cellArea({ width, height }: Area): Area {
  return {
    width: Math.max(1, width - HEAT_MARGIN.left - HEAT_MARGIN.right),
    height: Math.max(1, height - HEAT_MARGIN.top - HEAT_MARGIN.bottom),
  }
}

function picture(map: RankMap, mostRows: number, palette: Palette): HTMLCanvasElement | undefined {
  const range = heatRange(map)
  const columns = map.step.length
  if (range === undefined || columns === 0) return undefined
  const rows = foldRows(map.values, mostRows)
  const canvas = document.createElement('canvas')
  canvas.width = columns
  canvas.height = rows.length
  const pixels = heatPixels(rows, columns, range, shadesOf(palette.heat))
  canvas.getContext('2d')?.putImageData(new ImageData(pixels, columns, rows.length), 0, 0)
  return canvas
}

function labels(context: CanvasRenderingContext2D, map: RankMap, cells: Area, palette: Palette): void {
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`
  context.fillStyle = palette.muted
  context.textBaseline = 'middle'
  context.textAlign = 'right'
  const row = cells.height / Math.max(1, map.ranks.length)
  for (const place of labelPlaces(map.ranks.length, Math.floor(cells.height / LABEL_HEIGHT))) {
    context.fillText(`rank ${map.ranks[place]}`, HEAT_MARGIN.left - 8, HEAT_MARGIN.top + (place + 0.5) * row)
  }
  context.textAlign = 'left'
  const column = cells.width / Math.max(1, map.step.length)
  for (const place of labelPlaces(map.step.length, Math.floor(cells.width / LABEL_WIDTH))) {
    const y = HEAT_MARGIN.top + cells.height + HEAT_MARGIN.bottom / 2 + 2
    context.fillText(stepText(map.step[place] ?? 0), HEAT_MARGIN.left + place * column, y)
  }
}

/** Draws the whole map at the size of the canvas in CSS pixels. */
export function paintHeat(canvas: HTMLCanvasElement, map: RankMap, size: Area, palette: Palette): void {
  const context = canvas.getContext('2d')
  if (context === null || size.width === 0) return
  const ratio = devicePixelRatio
  canvas.width = Math.round(size.width * ratio)
  canvas.height = Math.round(size.height * ratio)
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  const cells = cellArea(size)
  const cellsImage = picture(map, Math.floor(cells.height), palette)
  context.fillStyle = palette.sunken
  context.fillRect(HEAT_MARGIN.left, HEAT_MARGIN.top, cells.width, cells.height)
  if (cellsImage !== undefined) {
    context.imageSmoothingEnabled = false
    context.drawImage(cellsImage, HEAT_MARGIN.left, HEAT_MARGIN.top, cells.width, cells.height)
  }
  labels(context, map, cells, palette)
}
