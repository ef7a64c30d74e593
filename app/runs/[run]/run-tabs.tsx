'use client'
import { useRouter } from 'next/navigation'
import { useEffect, useMemo } from 'react'
import { askedParameters, keptSearch, useKeptSearch } from '../../data/address'
import { isTyping } from '../../data/typing'
import { Choice } from '../../ui/choice'
import { Tabs } from '../../ui/tabs'
import { useRunPage } from './run-context'
import styles from './run-tabs.module.css'
import { tabAddress, tabs, type RunTab } from './tabs'
import { TimeBrush } from './time-brush'

const RANGES = [
  { name: '300', title: '5 min' },
  { name: '1800', title: '30 min' },
  { name: '10800', title: '3 h' },
  { name: 'all', title: 'All' },
] as const
type RangeName = (typeof RANGES)[number]['name'] | 'brushed'

/** Digits open the tab in that place. */
function useTabKeys(run: string, shown: readonly RunTab[]): void {
  const router = useRouter()
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const tab = shown[Number(event.key) - 1]
      if (tab === undefined || isTyping(event)) return
      // As it was asked for: a key may come before what the last one changed is drawn.
      router.push(tabAddress(run, tab, keptSearch(askedParameters())))
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [router, run, shown])
}

function Ranges() {
  const { view, setWindow } = useRunPage()
  const { last, to } = view.window
  const value: RangeName =
    to !== undefined ? 'brushed' : (RANGES.find(({ name }) => name === String(last ?? 'all'))?.name ?? 'brushed')
  return (
    <Choice<RangeName>
      label="Range"
      options={RANGES}
      value={value}
      onChange={name => setWindow(name === 'all' ? {} : { last: Number(name) })}
    />
  )
}

/** Where one is among the pages of a run, and in its time. */
export function RunTabs() {
  const { run, view } = useRunPage()
  const search = useKeptSearch()
  const shown = useMemo(() => [...tabs].filter(({ isShown }) => isShown?.(view) ?? true), [view])
  useTabKeys(run, shown)
  const links = shown.map((tab, place) => ({
    name: tab.name,
    title: tab.title,
    help: `${tab.help} (${place + 1})`,
    href: tabAddress(run, tab, search),
  }))
  return (
    <>
      <div className={styles.bar} data-screen="">
        <Tabs label="Pages of this run" tabs={links} />
        <Ranges />
      </div>
      <TimeBrush />
    </>
  )
}
