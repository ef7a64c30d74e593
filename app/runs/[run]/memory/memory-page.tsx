'use client'
import { useMemo } from 'react'
import { predictRun } from '../../../data/prediction'
import { useGpus, useHosts, useMembers } from '../../../data/run-parts'
import { useRunPage } from '../run-context'
import { Memory } from './memory'

/** What holds the memory of each rank, beside what should. */
export function MemoryPage() {
  const page = useRunPage()
  const { config } = page.view.detail
  const predicted = useMemo(() => predictRun(config), [config])
  const { value: ranks = [] } = useMembers(page)
  const { value: gpus = [] } = useGpus(page)
  const { value: hosts = [] } = useHosts(page)
  return <Memory ranks={ranks} gpus={gpus} hosts={hosts} predicted={predicted} />
}
