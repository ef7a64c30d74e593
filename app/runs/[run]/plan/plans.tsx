'use client'
import { useMemo } from 'react'
import { format } from '../../../../base/units'
import type { PredictInput } from '../../../../math/input'
import { searchPlans, type FoundPlan } from '../../../../math/plan-search'
import { TELL_IT } from '../../../data/needs'
import { Card } from '../../../ui/card'
import { Table, type Column } from '../../../ui/table'

const SHOWN = 10

const predicted = (source: string) => ({ provenance: 'predicted' as const, source })

const degree = (name: string, title: string, of: (found: FoundPlan) => number): Column<FoundPlan> => ({
  name,
  title,
  number: true,
  value: of,
  cell: of,
})
const COLUMNS: readonly Column<FoundPlan>[] = [
  degree('tensor', 'Tensor', ({ plan }) => plan.tensor),
  degree('pipeline', 'Pipeline', ({ plan }) => plan.pipeline),
  degree('context', 'Context', ({ plan }) => plan.context),
  degree('data', 'Data', ({ plan }) => plan.data),
  degree('zero', 'ZeRO', ({ plan }) => plan.zeroStage),
  degree('micro', 'Micro-batch', ({ plan }) => plan.microBatch ?? 0),
  { name: 'recompute', title: 'Recompute', cell: ({ plan }) => plan.recompute },
  {
    name: 'memory',
    title: 'Memory',
    number: true,
    about: predicted(
      'of the fullest stage: parameters + gradients + optimizer + activations + buffers, by the formulas of the Arithmetic page',
    ),
    value: found => found.memoryBytes ?? null,
    cell: ({ memoryBytes }) => format(memoryBytes, 'bytes'),
  },
  {
    name: 'headroom',
    title: 'Headroom',
    number: true,
    about: predicted('the capacity of the device − its memory'),
    value: found => found.headroomBytes ?? null,
    cell: ({ headroomBytes }) => format(headroomBytes, 'bytes'),
  },
  {
    name: 'step',
    title: 'Step',
    number: true,
    about: predicted(
      '(computing + communication that nothing hides) ÷ (1 − bubble), calibrated by what this run reached; Arithmetic has each formula',
    ),
    value: found => found.stepSeconds ?? null,
    cell: ({ stepSeconds }) => format(stepSeconds, 'seconds'),
  },
  {
    name: 'mfu',
    title: 'MFU',
    number: true,
    about: predicted('FLOPs of the model in a step ÷ (step time × devices × peak of a device)'),
    value: found => found.mfu ?? null,
    cell: ({ mfu }) => format(mfu, 'ratio'),
  },
]

const keyOf = ({ plan }: FoundPlan) =>
  [plan.tensor, plan.pipeline, plan.context, plan.zeroStage, plan.microBatch, plan.recompute].join(' ')

interface PlansProps {
  config: PredictInput
  /** A press on a plan. */
  onPick: (found: FoundPlan) => void
}

/** The same job laid out otherwise on the same devices, by the arithmetic that this run calibrated. */
export function Plans({ config, onPick }: PlansProps) {
  const devices = config.parallelism?.worldSize ?? config.hardware?.count
  const found = useMemo(() => (devices === undefined ? undefined : searchPlans(config, devices)), [config, devices])
  if (found === undefined || found.missing.length > 0) {
    const needs = found === undefined ? 'the number of devices' : found.missing.join(', ')
    return (
      <Card title="Plans for the same devices">
        <p className="muted">
          A search over plans needs {needs}, which the configuration of this run does not give. {TELL_IT}
        </p>
      </Card>
    )
  }
  const rows = found.closest === undefined ? found.fitting.slice(0, SHOWN) : [found.closest]
  const title =
    found.closest === undefined
      ? `the fastest of ${found.fitting.length} that fit, of ${found.candidates}`
      : `none of ${found.candidates} fits; the closest`
  return (
    <Card title="Plans for the same devices" aside={title} note={found.assumptions.join('; ')}>
      <Table label="Plans for the same devices" columns={COLUMNS} rows={rows} rowKey={keyOf} onPick={onPick} />
    </Card>
  )
}
