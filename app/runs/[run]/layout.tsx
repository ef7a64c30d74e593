import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { loadRun } from '../../data/load-run'
import { first } from '../../data/server'
import { RunShell } from './run-shell'

interface Props {
  params: Promise<{ run: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const run = decodeURIComponent((await params).run)
  return { title: { default: run, template: `%s · ${run} · Plumbline` } }
}

/** Header, tabs and time brush of a run; its pages are the children. */
export default async function RunLayout({ params, children }: Props & { children: ReactNode }) {
  const run = decodeURIComponent((await params).run)
  const found = await first(door => loadRun(door, run))
  return (
    <RunShell key={run} run={run} first={found}>
      {children}
    </RunShell>
  )
}
