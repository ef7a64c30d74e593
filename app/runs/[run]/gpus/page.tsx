import type { Metadata } from 'next'
import { askPeers, type FirstPeers } from '../../../data/peers'
import { first, firstOfFew } from '../../../data/server'
import { readWindow } from '../../../data/time-window'
import { GpusPage } from './gpus-page'

export const metadata: Metadata = { title: 'GPUs' }

/** Then the browser asks by itself. */
const MOST_BEHIND_MS = 3000

type Search = Readonly<Record<string, string | string[] | undefined>>

function firstPeers(run: string, search: Search): FirstPeers | undefined {
  const get = (name: string) => (typeof search[name] === 'string' ? search[name] : null)
  const rank = /^\d{1,6}$/.exec(get('rank') ?? '')?.[0]
  const window = readWindow({ get })
  // Where the last minutes of a run begin is known where its view is.
  if (rank === undefined || window.last !== undefined) return undefined
  const signal = AbortSignal.timeout(MOST_BEHIND_MS)
  return { rank: Number(rank), window, series: first(door => askPeers(door, run, Number(rank), window, signal)) }
}

interface Props {
  params: Promise<{ run: string }>
  searchParams: Promise<Search>
}

export default async function Page({ params, searchParams }: Props) {
  const run = decodeURIComponent((await params).run)
  const peers = firstPeers(run, await searchParams)
  return <GpusPage members={await firstOfFew(run, (door, signal) => door.members(run, signal))} peers={peers} />
}
