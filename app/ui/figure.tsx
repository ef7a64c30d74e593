'use client'
import type { ReactNode } from 'react'
import { format, type Unit } from '../../base/units'
import type { Explanation } from '../../math/explain'
import type { Figure as Value } from '../../wire/findings'
import styles from './figure.module.css'
import { Provenance, PROVENANCE_HELP } from './provenance'
import { Tooltip } from './tooltip'

interface FigureProps {
  name: string
  title: string
  unit: Unit
  figure: Value
  predicted?: Explanation | undefined
  /** Why there is no prediction: in short, a colon, and at length. */
  why: string
  align?: 'start' | 'end'
  /** Leads to the samples that it was made of. */
  raw?: ReactNode
}

/** `+35 %`, `−8 %`, or `×4.2` where per cent would not speak. */
export function differenceText(measured: number, predicted: number): string {
  const ratio = measured / predicted
  if (!Number.isFinite(ratio) || predicted === 0) return ''
  if (ratio >= 3) return `×${ratio < 10 ? ratio.toFixed(1) : Math.round(ratio)}`
  const percent = Math.round((ratio - 1) * 100)
  return percent === 0 ? '±0 %' : `${percent > 0 ? '+' : '−'}${Math.abs(percent)} %`
}

export function Source({ source: { title, url } }: { source: Explanation['source'] }) {
  return url === '' ? (
    <>{title}</>
  ) : (
    <a href={url} target="_blank" rel="noreferrer">
      {title}
    </a>
  )
}

/** Formula, numbers in it, and where it is from. */
export function Explained({ explanation, unit }: { explanation: Explanation; unit: Unit }) {
  return (
    <span className={styles.explained}>
      <span>
        <Provenance kind="predicted" /> {PROVENANCE_HELP.predicted}
      </span>
      <code>{explanation.formula}</code>
      <code>
        = {explanation.substituted} = {format(explanation.value, unit)}
      </code>
      {explanation.assumption !== undefined && <span>{explanation.assumption}</span>}
      <span>
        Source: <Source source={explanation.source} />
      </span>
    </span>
  )
}

/** One number: what it is, where it comes from, and what it should be. */
export function Figure({ name, title, unit, figure, predicted, why, align = 'start', raw }: FigureProps) {
  const { value, provenance, source } = figure
  return (
    <div className={styles.figure} role="group" aria-label={title} data-figure={name}>
      <header>
        <h2>{title}</h2>
        <Tooltip label={<Provenance kind={provenance} />} name={`${title}: ${provenance}, ${source}`} align={align}>
          <Provenance kind={provenance} /> {PROVENANCE_HELP[provenance]}
          <br />
          {source}
          <br />
          {raw}
        </Tooltip>
      </header>
      <p className={styles.value} data-value={value ?? ''}>
        {format(value, unit)}
        {value === null && (
          <span className={styles.absent} title={source}>
            {source}
          </span>
        )}
      </p>
      <div className={styles.predicted}>
        {predicted === undefined ? (
          <Tooltip
            label={<span className={styles.why}>{why.split(':')[0]}</span>}
            name={`${title}: ${why}`}
            align={align}
          >
            {why}
          </Tooltip>
        ) : (
          <>
            <Tooltip
              label={
                <span className={styles.expected}>
                  <Provenance kind="predicted" /> {format(predicted.value, unit)}
                </span>
              }
              name={`${title}: predicted ${format(predicted.value, unit)}`}
              align={align}
            >
              <Explained explanation={predicted} unit={unit} />
            </Tooltip>
            {value !== null && <span className={styles.difference}>{differenceText(value, predicted.value)}</span>}
          </>
        )}
      </div>
    </div>
  )
}
