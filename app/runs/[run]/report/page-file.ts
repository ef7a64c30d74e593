/** The page as it stands, as one HTML file that needs nothing else: no script, no style sheet, no picture from elsewhere. */

/** Lives with its page: controls and what only the screen needs are marked so. Print leaves them out by the same mark. */
const SCREEN = '[data-screen]'
/** Notes open by a press without any script, in the middle, as the file has none that could put them beside their button. */
const FILE_STYLES = '[popover]:popover-open { position: fixed; inset: 0; margin: auto; height: max-content }'

function stylesOf(page: Document): string {
  const sheets = [...page.styleSheets].map(({ cssRules }) => [...cssRules].map(({ cssText }) => cssText).join('\n'))
  return [...sheets, FILE_STYLES].join('\n')
}

/** A canvas is copied empty: what was drawn on it becomes a picture. */
function drawPictures(page: Document, copy: HTMLElement): void {
  const drawn = page.querySelectorAll('canvas')
  copy.querySelectorAll('canvas').forEach((canvas, place) => {
    const original = drawn[place]
    if (original === undefined) return
    const picture = page.createElement('img')
    picture.src = original.toDataURL('image/png')
    picture.alt = ''
    picture.style.cssText = `${original.style.cssText}; image-rendering: pixelated`
    const { position, top, height } = getComputedStyle(original)
    Object.assign(picture.style, { position, top, height })
    canvas.replaceWith(picture)
  })
}

function openByPress(copy: HTMLElement): void {
  for (const note of copy.querySelectorAll<HTMLElement>('[popover]')) {
    note.setAttribute('popover', 'auto')
    note.removeAttribute('style')
    copy.querySelector(`[aria-controls="${note.id}"]`)?.setAttribute('popovertarget', note.id)
  }
}

/** What is typed into a field is not part of what is copied. */
function sayChoices(page: Document, copy: HTMLElement): void {
  const chosen = page.querySelectorAll('select')
  copy.querySelectorAll('select').forEach((select, place) => {
    const said = page.createElement('span')
    said.textContent = chosen[place]?.selectedOptions[0]?.textContent ?? ''
    select.replaceWith(said)
  })
}

/** Links of the page lead to the hub that it came from. */
function wholeLinks(page: Document, copy: HTMLElement): void {
  for (const link of copy.querySelectorAll('a[href]'))
    link.setAttribute('href', new URL(link.getAttribute('href') ?? '', page.baseURI).href)
}

export function pageFile(page: Document): Blob {
  const copy = page.createElement('html')
  copy.innerHTML = page.documentElement.innerHTML
  for (const { name, value } of page.documentElement.attributes) copy.setAttribute(name, value)
  drawPictures(page, copy)
  sayChoices(page, copy)
  copy
    .querySelectorAll(`script, link, template, noscript, next-route-announcer, ${SCREEN}`)
    .forEach(one => one.remove())
  openByPress(copy)
  wholeLinks(page, copy)
  const style = page.createElement('style')
  style.textContent = stylesOf(page)
  copy.querySelector('head')?.append(style)
  return new Blob([`<!doctype html>\n${copy.outerHTML}`], { type: 'text/html' })
}
