'use client'
import { useEffect, useRef } from 'react'
import styles from './chart.module.css'
import { init, type ChartOption, type EChartsType } from './echarts'

interface ChartProps {
  option: ChartOption
  /** What a person who does not see it is told. */
  label: string
  height: number
  /** Said in the place of the chart while there is nothing to draw. */
  empty?: string | undefined
}

/** Drawn a little before it comes into sight, so that scrolling meets no empty frame. */
const AHEAD = '600px 0px'

function draw(chart: EChartsType, option: ChartOption): void {
  chart.setOption(option, { replaceMerge: ['series'], lazyUpdate: true })
}

/** A canvas that is made once; new data changes it in place. */
export function Chart({ option, label, height, empty }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType>(undefined)
  const isInSight = useRef(false)
  const waiting = useRef<ChartOption>(undefined)
  useEffect(() => {
    if (box.current === null) return
    const made = init(box.current, null, { renderer: 'canvas' })
    chart.current = made
    const size = new ResizeObserver(() => made.resize())
    size.observe(box.current)
    const sight = new IntersectionObserver(
      entries => {
        isInSight.current = entries.at(-1)?.isIntersecting ?? false
        if (isInSight.current && waiting.current !== undefined) draw(made, waiting.current)
        if (isInSight.current) waiting.current = undefined
      },
      { rootMargin: AHEAD },
    )
    sight.observe(box.current)
    return () => {
      size.disconnect()
      sight.disconnect()
      made.dispose()
    }
  }, [])
  useEffect(() => {
    // What nobody sees is drawn when it comes into sight: a long page costs what its window shows.
    if (chart.current !== undefined && isInSight.current) draw(chart.current, option)
    else waiting.current = option
  }, [option])
  return (
    <div className={styles.frame} style={{ height }}>
      <div ref={box} role="img" aria-label={label} className={styles.canvas} />
      {empty !== undefined && <p className={styles.empty}>{empty}</p>}
    </div>
  )
}
