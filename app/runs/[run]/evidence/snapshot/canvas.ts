/** Colours and sizes of what is drawn on a canvas: read from the page, since a canvas knows no CSS. */
import { CATEGORIES } from '../../../../../wire/memory-categories'

const [INPUT, OTHER] = [CATEGORIES.indexOf('input'), CATEGORIES.indexOf('other')]
/** The place of a category's colour: the grey one is of what has no name. */
export const seriesOf = (category: number): number =>
  category === OTHER ? INPUT : category === INPUT ? OTHER : category

export interface Paints {
  readonly categories: readonly string[]
  readonly line: string
  readonly text: string
  readonly muted: string
  readonly accent: string
  readonly critical: string
  readonly sunken: string
  readonly surface: string
}

/** `light-dark()` is resolved by asking an element for its colour. */
export function paintsOf(element: HTMLElement): Paints {
  const probe = element.ownerDocument.createElement('i')
  element.append(probe)
  const colour = (name: string) => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const paints = {
    categories: CATEGORIES.map((_, category) => colour(`--series-${seriesOf(category) + 1}`)),
    line: colour('--line-strong'),
    text: colour('--text'),
    muted: colour('--text-muted'),
    accent: colour('--accent'),
    critical: colour('--critical'),
    sunken: colour('--surface-sunken'),
    surface: colour('--surface'),
  }
  probe.remove()
  return paints
}

/** A canvas as wide as its box, in pixels of the screen; its context counts in CSS pixels. */
export function sized(
  canvas: HTMLCanvasElement,
  height: number,
): { context: CanvasRenderingContext2D; width: number } | undefined {
  const context = canvas.getContext('2d')
  if (context === null) return undefined
  const ratio = window.devicePixelRatio || 1
  const width = canvas.clientWidth
  canvas.width = Math.max(1, Math.round(width * ratio))
  canvas.height = Math.round(height * ratio)
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return { context, width }
}
