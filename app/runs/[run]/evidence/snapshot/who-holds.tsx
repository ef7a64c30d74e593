'use client'
import { useMemo } from 'react'
import type { SnapshotMoment } from '../../../../../wire/memory-snapshot'
import { useChoice } from '../../../../data/address'
import { holdersAt } from '../../../../data/snapshot/holders'
import { Choice } from '../../../../ui/choice'
import { Categories } from './categories'
import { Holders } from './holders'
import type { Shown } from './stack'
import { Treemap } from './treemap'
import page from '../../../../ui/document.module.css'

const CALLERS = [
  { name: 'frame', title: 'Innermost frame' },
  { name: 'job', title: 'The job’s own line' },
] as const

interface WhoHoldsProps {
  moment: SnapshotMoment
  when: string
  onShow: (shown: Shown) => void
}

/** Who holds what at the moment. */
export function WhoHolds({ moment, when, onShow }: WhoHoldsProps) {
  const [by, setBy] = useChoice('by', ['frame', 'job'], 'frame')
  const holders = useMemo(() => holdersAt(moment, by), [moment, by])
  const show = (stack: number) => onShow({ named: moment, stack, what: 'the largest of those that asked here' })
  return (
    <>
      <Treemap
        holders={holders}
        when={when}
        onStack={show}
        aside={<Choice label="Who asked" options={CALLERS} value={by} onChange={setBy} />}
      />
      <div className={page.pair}>
        <Categories moment={moment} when={when} />
        <Holders holders={holders} when={when} onStack={show} />
      </div>
    </>
  )
}
