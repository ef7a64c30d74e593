'use client'
/** The colours of the style sheet as a canvas needs them: resolved, and renewed when the theme changes. */
import { useSyncExternalStore } from 'react'

const NAMES = {
  text: '--text',
  muted: '--text-muted',
  line: '--line',
  lineStrong: '--line-strong',
  raised: '--surface-raised',
  sunken: '--surface-sunken',
  predicted: '--predicted',
} as const
const SERIES = [1, 2, 3, 4, 5, 6, 7, 8].map(number => `--series-${number}`)
const HEAT = [0, 1, 2, 3, 4, 5].map(number => `--heat-${number}`)

export type Palette = Readonly<Record<keyof typeof NAMES, string>> & {
  readonly series: readonly string[]
  readonly heat: readonly string[]
}

/** The colour of a series by its place; places beyond the last begin again. */
export function seriesColor(palette: Palette, place: number): string {
  return palette.series[place % palette.series.length] ?? palette.text
}

function readPalette(): Palette {
  const probe = document.body.appendChild(document.createElement('span'))
  const resolve = (name: string) => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const plain = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, resolve(name)]))
  const palette = {
    ...(plain as Record<keyof typeof NAMES, string>),
    series: SERIES.map(resolve),
    heat: HEAT.map(resolve),
  }
  probe.remove()
  return palette
}

let cached: Palette | undefined

function subscribe(listener: () => void): () => void {
  const changed = () => {
    cached = undefined
    listener()
  }
  const system = matchMedia('(prefers-color-scheme: dark)')
  const chosen = new MutationObserver(changed)
  system.addEventListener('change', changed)
  chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => {
    system.removeEventListener('change', changed)
    chosen.disconnect()
  }
}

/** Undefined on the server, which knows no theme. */
export function usePalette(): Palette | undefined {
  return useSyncExternalStore(
    subscribe,
    () => (cached ??= readPalette()),
    () => undefined,
  )
}
