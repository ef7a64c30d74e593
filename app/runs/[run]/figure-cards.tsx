import type { Unit } from '../../../base/units'
import { FIGURES, type FigureName, type PredictedRun } from '../../data/prediction'
import type { RunView } from '../../data/run-view'
import { Figure } from '../../ui/figure'
import { Raw } from './raw'
import styles from './run.module.css'

const LOOKS: Readonly<Record<FigureName, { title: string; unit: Unit }>> = {
  stepSeconds: { title: 'Step time', unit: 'seconds' },
  tokensPerSecond: { title: 'Tokens/s', unit: 'tokensPerSecond' },
  loss: { title: 'Loss', unit: 'none' },
  flopsPerSecondPerGpu: { title: 'FLOP/s per GPU', unit: 'flopsPerSecond' },
  mfu: { title: 'MFU', unit: 'ratio' },
  syncWaitSeconds: { title: 'Sync wait', unit: 'seconds' },
}

/** Figures are of the newest steps. */
const RECENT_POINTS = 20

/** Without a GPU the device of a rank is its share of the CPU. */
function titleOf(name: FigureName, hasGpus: boolean): string {
  return name === 'flopsPerSecondPerGpu' && !hasGpus ? 'FLOP/s per rank' : LOOKS[name].title
}

export function FigureCards({ view, predicted }: { view: RunView; predicted: PredictedRun | undefined }) {
  const { summary } = view.detail
  return (
    <div className={styles.figures}>
      {FIGURES.map((name, place) => (
        <Figure
          key={name}
          name={name}
          title={titleOf(name, summary.gpus > 0)}
          unit={LOOKS[name].unit}
          figure={summary[name]}
          predicted={predicted?.figures[name]}
          why={predicted?.why[name] ?? 'not predicted: no configuration yet'}
          align={place % 2 === 0 ? 'start' : 'end'}
          raw={summary[name].value !== null && <Raw of="steps" from={view.overall.time.at(-RECENT_POINTS)} />}
        />
      ))}
    </div>
  )
}
