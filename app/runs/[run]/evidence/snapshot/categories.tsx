'use client'
import { format } from '../../../../../base/units'
import { CATEGORIES, type Category } from '../../../../../wire/memory-categories'
import type { SnapshotMoment } from '../../../../../wire/memory-snapshot'
import { predictRun } from '../../../../data/prediction'
import { categoriesAt } from '../../../../data/snapshot/holders'
import { Card } from '../../../../ui/card'
import { Provenance } from '../../../../ui/provenance'
import { Table, type Column } from '../../../../ui/table'
import { useRunPage } from '../../run-context'
import { Swatch } from './swatch'

interface Beside {
  readonly category: Category
  readonly measured: number
  readonly predicted: number | undefined
}
const BESIDE: readonly Column<Beside>[] = [
  { name: 'category', title: 'Category', cell: ({ category }) => <Swatch category={category} /> },
  { name: 'measured', title: <Provenance kind="measured" />, number: true, cell: row => format(row.measured, 'bytes') },
  {
    name: 'predicted',
    title: <Provenance kind="predicted" />,
    number: true,
    cell: ({ predicted }) => (predicted === undefined ? '–' : format(predicted, 'bytes')),
  },
]

/** What each category holds at the moment, and what the arithmetic says that it should. */
export function Categories({ moment, when }: { moment: SnapshotMoment; when: string }) {
  const { view } = useRunPage()
  const memory = predictRun(view.detail.config)?.prediction.memory
  const sums = categoriesAt(moment)
  const predicted: Partial<Record<Category, number | undefined>> = {
    parameters: memory?.parametersBytes,
    gradients: memory?.gradientsBytes,
    optimizer: memory?.optimizerBytes,
    activations: memory?.activationsBytes,
  }
  const rows = CATEGORIES.flatMap(category => {
    const measured = sums.get(category) ?? 0
    return measured > 0 || predicted[category] !== undefined
      ? [{ category, measured, predicted: predicted[category] }]
      : []
  })
  return (
    <Card
      title={`${when}, by category`}
      aside={`${format(moment.activeBytes, 'bytes')} in all`}
      note="Read from the frames that asked. What backward keeps for the optimizer is most often gradients; what is from before the recording, most often parameters."
    >
      <Table label="By category" columns={BESIDE} rows={rows} rowKey={({ category }) => category} />
    </Card>
  )
}
