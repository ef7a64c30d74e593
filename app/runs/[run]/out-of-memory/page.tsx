import type { Metadata } from 'next'
import { first, soon } from '../../../data/server'
import { OutOfMemoryPage } from './out-of-memory-page'

interface Props {
  params: Promise<{ run: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Out of memory: ${decodeURIComponent((await params).run)}` }
}

export default async function Page({ params }: Props) {
  const run = decodeURIComponent((await params).run)
  const found = await first(door => door.postMortem(run, soon()))
  return <OutOfMemoryPage key={run} first={found} />
}
