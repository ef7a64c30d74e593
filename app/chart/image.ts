/** A chart on the screen as a picture: its SVGs side by side as they stand, with the styles that the page gives them. */
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
  const title = document.createElementNS('http://www.w3.org/2000/svg', 'text')
  title.textContent = text
  title.setAttribute('x', String(MARGIN))
  title.setAttribute('y', String(MARGIN + 10))
  title.style.cssText = `font: 600 14px sans-serif; fill: ${color}`
  return title
}

/** The frame of a chart as one SVG, its title above. */
function pictureOf(frame: HTMLElement, title: string): SVGSVGElement {
  const around = frame.getBoundingClientRect()
  const whole = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  whole.setAttribute('width', String(around.width + MARGIN * 2))
  whole.setAttribute('height', String(around.height + MARGIN * 2 + TITLE))
  whole.append(titleOf(title, getComputedStyle(frame).color))
  for (const svg of frame.querySelectorAll('svg')) {
    if (svg.parentElement?.closest('svg') !== null) continue
    const at = svg.getBoundingClientRect()
    const copy = styledCopy(svg)
    copy.setAttribute('x', String(at.left - around.left + MARGIN))
    copy.setAttribute('y', String(at.top - around.top + MARGIN + TITLE))
    copy.setAttribute('width', String(at.width))
    copy.setAttribute('height', String(at.height))
    copy.style.overflow = 'visible'
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
