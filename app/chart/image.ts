/** A chart on the screen as a picture: its SVGs and canvases side by side as they stand, with the styles that the page gives them. */
const STYLES = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'opacity',
  'font-size',
  'font-family',
]
const SVG = 'http://www.w3.org/2000/svg'
const MARGIN = 16
const TITLE = 28
/** Twice the pixels of the screen: for slides and papers. */
const SCALE = 2

function styledCopy(svg: SVGSVGElement): SVGSVGElement {
  const copy = svg.cloneNode(true) as SVGSVGElement
  const originals = svg.querySelectorAll('*')
  copy.querySelectorAll<SVGElement>('*').forEach((element, place) => {
    const original = originals[place]
    if (original === undefined) return
    const style = getComputedStyle(original)
    for (const name of STYLES) element.style.setProperty(name, style.getPropertyValue(name))
  })
  return copy
}

function titleOf(text: string, color: string): SVGTextElement {
  const title = document.createElementNS(SVG, 'text')
  title.textContent = text
  title.setAttribute('x', String(MARGIN))
  title.setAttribute('y', String(MARGIN + 10))
  title.style.cssText = `font: 600 14px sans-serif; fill: ${color}`
  return title
}

/** What a canvas shows, and of it what its box lets through. */
function pictureOfCanvas(canvas: HTMLCanvasElement, box: DOMRect): SVGSVGElement {
  const at = canvas.getBoundingClientRect()
  const hole = document.createElementNS(SVG, 'svg')
  const image = document.createElementNS(SVG, 'image')
  const attributes = { x: at.left - box.left, y: at.top - box.top, width: at.width, height: at.height }
  for (const [name, value] of Object.entries(attributes)) image.setAttribute(name, String(value))
  image.setAttribute('preserveAspectRatio', 'none')
  image.setAttribute('href', canvas.toDataURL())
  image.style.imageRendering = 'pixelated'
  hole.append(image)
  return hole
}

/** The frame of a chart as one SVG, its title above. */
function pictureOf(frame: HTMLElement, title: string): SVGSVGElement {
  const around = frame.getBoundingClientRect()
  const whole = document.createElementNS(SVG, 'svg')
  whole.setAttribute('width', String(around.width + MARGIN * 2))
  whole.setAttribute('height', String(around.height + MARGIN * 2 + TITLE))
  whole.append(titleOf(title, getComputedStyle(frame).color))
  for (const part of frame.querySelectorAll<SVGSVGElement | HTMLCanvasElement>('svg, canvas')) {
    if (part.parentElement?.closest('svg') !== null) continue
    const isCanvas = part instanceof HTMLCanvasElement
    const at = ((isCanvas ? part.parentElement : null) ?? part).getBoundingClientRect()
    const copy = isCanvas ? pictureOfCanvas(part, at) : styledCopy(part)
    copy.setAttribute('x', String(at.left - around.left + MARGIN))
    copy.setAttribute('y', String(at.top - around.top + MARGIN + TITLE))
    copy.setAttribute('width', String(at.width))
    copy.setAttribute('height', String(at.height))
    if (!isCanvas) copy.style.overflow = 'visible'
    whole.append(copy)
  }
  return whole
}

/** The chart as PNG. Rejects where the browser cannot draw it. */
export async function chartImage(frame: HTMLElement, title: string): Promise<Blob> {
  const picture = pictureOf(frame, title)
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(picture))}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = image.width * SCALE
  canvas.height = image.height * SCALE
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('this browser draws no pictures')
  context.fillStyle = getComputedStyle(document.documentElement).backgroundColor
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(image, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve, reject) => {
    canvas.toBlob(blob => (blob === null ? reject(new Error('this browser makes no PNG')) : resolve(blob)), 'image/png')
  })
}
