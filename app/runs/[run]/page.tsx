import type { Metadata } from 'next'
import { RunPage } from './run-page'

interface Props {
  params: Promise<{ run: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: decodeURIComponent((await params).run) }
}

export default async function Page({ params }: Props) {
  const run = decodeURIComponent((await params).run)
  return <RunPage key={run} run={run} />
}
