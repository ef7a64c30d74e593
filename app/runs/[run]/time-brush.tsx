'use client'
import { useMemo } from 'react'
import { bandPath, linePath, percent, UNITS, type Range } from '../../chart/path'
import { useDrag } from '../../chart/use-drag'
import { durationText, stretchText } from '../../data/time-text'
import { isWhole, WHOLE, within, type Span } from '../../data/time-window'
import { useZone } from '../../ui/clock'
import { useRunPage } from './run-context'
import styles from './time-brush.module.css'
import { useBrushKeys } from './use-brush-keys'

const HEIGHT = 36

const asRange = ({ from, to }: Span): Range => ({ low: from, high: to })

/** The top of the strip: the 99th percentile, so that one long step does not flatten all others. */
function topOf(values: readonly (number | null)[]): number {
  const known = values.filter(value => value !== null).sort((one, other) => one - other)
  return (known[Math.floor(known.length * 0.99)] ?? 1) * 1.1
}

function Shades({ part, whole }: { part: Span; whole: Span }) {
  const range = asRange(whole)
  const from = Math.min(part.from, part.to)
  const to = Math.max(part.from, part.to)
  return (
    <>
      <rect className={styles.shade} x="0" y="0" width={percent(from, range)} height="100%" />
      <rect className={styles.shade} x={percent(to, range)} y="0" width="100%" height="100%" />
      <line className={styles.edge} x1={percent(from, range)} x2={percent(from, range)} y1="0" y2="100%" />
      <line className={styles.edge} x1={percent(to, range)} x2={percent(to, range)} y1="0" y2="100%" />
    </>
  )
}

/** Where something was found or told of. */
function Marks({ whole }: { whole: Span }) {
  const { view } = useRunPage()
  const range = asRange(whole)
  const marks = [
    ...view.detail.findings.map(({ since, severity, title }) => ({ time: since, tone: severity, title })),
    ...view.events.map(({ time, type }) => ({ time, tone: 'event', title: type })),
  ]
  return marks.map(({ time, tone, title }) => (
    <rect
      key={`${time} ${title}`}
      className={styles.mark}
      data-tone={tone}
      x={percent(time, range)}
      y="0"
      width="2"
      height="8"
    >
      <title>{title}</title>
    </rect>
  ))
}

/** The step time of the whole run: drag over it for the stretch that all charts show, double click for all of it. */
export function TimeBrush() {
  const { view, whole, span, setWindow } = useRunPage()
  const zone = useZone()
  const { dragged, handlers } = useDrag(whole, stretch => setWindow(within(stretch, whole)))
  useBrushKeys(span, whole, setWindow)
  const { time, stepSeconds } = view.overall
  const { path, area } = useMemo(() => {
    const across = asRange(whole)
    const up = { low: 0, high: topOf(stepSeconds) }
    const ground = stepSeconds.map(() => 0)
    return {
      path: linePath(time, stepSeconds, across, up),
      area: bandPath(time, ground, stepSeconds, across, up),
    }
  }, [time, stepSeconds, whole])
  const part = dragged ?? (isWhole(view.window) ? undefined : span)
  const said = part ?? whole
  return (
    <div className={styles.brush}>
      <div
        className={styles.strip}
        {...handlers}
        onDoubleClick={() => setWindow(WHOLE)}
        title="Drag for a stretch, double click for all. Keys: + − zoom, comma and full stop move, 0 all"
      >
        <svg
          width="100%"
          height={HEIGHT}
          role="img"
          aria-label={`Step time of the whole run; ${stretchText(said, zone)} is shown`}
        >
          <svg viewBox={`0 0 ${UNITS} ${UNITS}`} preserveAspectRatio="none" width="100%" height="100%">
            <path className={styles.area} d={area} />
            <path className={styles.line} d={path} vectorEffect="non-scaling-stroke" />
          </svg>
          <Marks whole={whole} />
          {part !== undefined && <Shades part={part} whole={whole} />}
        </svg>
      </div>
      <p className={styles.said}>
        <span>{stretchText(said, zone)}</span>
        <span>{durationText(said.to - said.from)}</span>
      </p>
    </div>
  )
}
