import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../plumbline'

type Rgb = readonly [number, number, number]
const THEMES = ['light', 'dark'] as const

const tokens = readFileSync(join(ROOT, 'app/tokens.css'), 'utf8')

function files(folder: string): string[] {
  return readdirSync(folder).flatMap(name => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : [path]
  })
}

/** Linear light, 0..1. */
function rgbOf(hex: string): Rgb {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [channel(1), channel(3), channel(5)]
}

function colourOf(name: string, theme: (typeof THEMES)[number]): Rgb {
  const both = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(tokens)
  const one = new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(tokens)
  const hex = both?.[theme === 'light' ? 1 : 2] ?? one?.[1]
  if (hex === undefined) throw new Error(`--${name} is no colour of app/tokens.css`)
  return rgbOf(hex)
}

const luminance = ([red, green, blue]: Rgb) => 0.2126 * red + 0.7152 * green + 0.0722 * blue

/** WCAG 2: 4.5 for text, 3 for lines. */
function contrast(one: Rgb, other: Rgb): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

/** How colours look to eyes without one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1). */
const EYES: Readonly<Record<string, readonly Rgb[]>> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

/** OKLab, in which distances are about as large as they look. */
function labOf(colour: Rgb, eye: readonly Rgb[]): Rgb {
  const seen = eye.map(row => Math.max(0, row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2]))
  const [red = 0, green = 0, blue = 0] = seen
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
  const medium = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
  return [
    0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short,
    1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short,
    0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short,
  ]
}

const apart = (one: Rgb, other: Rgb, eye: readonly Rgb[]) => {
  const [a, b] = [labOf(one, eye), labOf(other, eye)]
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])
}

/** Below it two lines beside each other are taken for one. */
const TOLD_APART = 0.04
const series = (count: number) => Array.from({ length: count }, (_, place) => `series-${place + 1}`)

describe('colours', () => {
  it('stand in app/tokens.css alone', () => {
    const held = files(join(ROOT, 'app'))
      .filter(path => /\.(css|tsx?)$/.test(path) && !path.endsWith('tokens.css'))
      .filter(path => /#[0-9a-f]{3}([0-9a-f]{3})?\b|\brgba?\(/i.test(readFileSync(path, 'utf8')))
    expect(held).toEqual([])
  })

  it.each(THEMES)('of text can be read on every ground: %s', theme => {
    for (const text of ['text', 'text-muted', 'accent', 'good', 'warning', 'critical', 'predicted'])
      for (const ground of ['page', 'surface', 'surface-raised', 'surface-sunken'])
        expect({ text, ground, enough: contrast(colourOf(text, theme), colourOf(ground, theme)) >= 4.5 }).toEqual({
          text,
          ground,
          enough: true,
        })
  })

  it.each(THEMES)('of lines stand out from their card: %s', theme => {
    for (const name of series(8))
      expect(contrast(colourOf(name, theme), colourOf('surface', theme)), name).toBeGreaterThanOrEqual(3)
  })

  it.each(Object.keys(EYES))('of series are told apart with %s', eye => {
    const see = EYES[eye] ?? []
    for (const theme of THEMES)
      for (const [place, one] of series(8).entries())
        for (const other of series(8).slice(place + 1))
          expect(apart(colourOf(one, theme), colourOf(other, theme), see), `${theme} ${one} ${other}`).toBeGreaterThan(
            TOLD_APART,
          )
  })

  it('of heat grow lighter from little to much, with any colour vision', () => {
    for (const eye of Object.values(EYES)) {
      const lightness = [0, 1, 2, 3, 4, 5].map(stop => labOf(colourOf(`heat-${stop}`, 'light'), eye)[0])
      expect(lightness.toSorted((a, b) => a - b)).toEqual(lightness)
    }
  })
})
