/** Pictures of pages, small enough to be kept beside the text. */
import { writeFileSync } from 'node:fs'
import type { Page } from 'playwright'

/** In the page: browsers write WebP, a third of the bytes of PNG. */
async function asWebp(png: string): Promise<string> {
  const image = new Image()
  image.src = `data:image/png;base64,${png}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = image.width
  canvas.height = image.height
  canvas.getContext('2d')?.drawImage(image, 0, 0)
  return canvas.toDataURL('image/webp', 0.8).split(',')[1] ?? ''
}

/** Writes a PNG as WebP; `page` is any page whose policy lets it show data. */
export async function writeWebp(page: Page, png: Buffer, path: string): Promise<void> {
  writeFileSync(path, Buffer.from(await page.evaluate(asWebp, png.toString('base64')), 'base64'))
}

/** Some forty pictures are to be read. */
const SHEET_MS = 300_000

export interface Picture {
  readonly name: string
  readonly png: Buffer
}

/** All of them on one sheet, each `wide` pixels wide and its top `tall` pixels, with its name above it. */
export async function sheet(page: Page, title: string, pictures: readonly Picture[], wide: number, tall: number) {
  const cells = pictures.map(
    ({ name, png }) =>
      `<figure><figcaption>${name}</figcaption><div><img src="data:image/png;base64,${png.toString('base64')}"></div></figure>`,
  )
  await page.setViewportSize({ width: 1600, height: 900 })
  await page.setContent(
    `<style>
    body { margin: 16px; font: 13px system-ui, sans-serif; background: #777; color: #fff }
    main { display: flex; flex-wrap: wrap; gap: 12px } figure { margin: 0; width: ${wide}px }
    div { height: ${tall}px; overflow: hidden } img { width: ${wide}px; display: block }
  </style><h1>${title}</h1><main>${cells.join('')}</main>`,
    { timeout: SHEET_MS },
  )
  return page.screenshot({ fullPage: true })
}
