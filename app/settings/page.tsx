import type { Metadata } from 'next'
import { first } from '../data/server'
import { SettingsPage } from './settings-page'

export const metadata: Metadata = { title: 'Settings' }

export default async function Page() {
  const found = await first(door => door.settings())
  return <SettingsPage first={found} />
}
