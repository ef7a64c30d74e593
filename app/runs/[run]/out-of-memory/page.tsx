import type { Metadata } from 'next'
import { OutOfMemoryPage } from './out-of-memory-page'

interface Props {
  params: Promise<{ run: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Out of memory: ${decodeURIComponent((await params).run)}` }
}

export default async function Page({ params }: Props) {
  const run = decodeURIComponent((await params).run)
  return <OutOfMemoryPage key={run} run={run} />
}
