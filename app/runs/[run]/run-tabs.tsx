'use client'
import { useRouter } from 'next/navigation'
import { useEffect, useMemo } from 'react'
import { useKeptSearch } from '../../data/address'
import { isTyping } from '../../data/typing'
import { Choice } from '../../ui/choice'
import { Tabs } from '../../ui/tabs'
import { useRunPage } from './run-context'
import styles from './run-tabs.module.css'
import { tabAddress, tabs } from './tabs'
import { TimeBrush } from './time-brush'

const RANGES = [
  { name: '300', title: '5 min' },
  { name: '1800', title: '30 min' },
  { name: '10800', title: '3 h' },
  { name: 'all', title: 'All' },
] as const
type RangeName = (typeof RANGES)[number]['name'] | 'brushed'

/** Digits open the tab in that place. */
function useTabKeys(addresses: readonly string[]): void {
  const router = useRouter()
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const address = addresses[Number(event.key) - 1]
      if (address === undefined || isTyping(event)) return
      router.push(address)
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [router, addresses])
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
  const shown = useMemo(
    () =>
      [...tabs]
        .filter(({ isShown }) => isShown?.(view) ?? true)
        .map((tab, place) => ({
          name: tab.name,
          title: tab.title,
          help: `${tab.help} (${place + 1})`,
          href: tabAddress(run, tab, search),
        })),
    [run, view, search],
  )
  useTabKeys(useMemo(() => shown.map(({ href }) => href), [shown]))
  return (
    <>
      <div className={styles.bar}>
        <Tabs label="Pages of this run" tabs={shown} />
        <Ranges />
      </div>
      <TimeBrush />
    </>
  )
}
