'use client'
import { format, type Unit } from '../../base/units'
import type { Figure } from '../../wire/findings'
import { Origin } from './provenance'
import { Tooltip } from './tooltip'

interface FigureTextProps {
  /** What it is. */
  title: string
  figure: Figure
  unit: Unit
  align?: 'start' | 'end'
}

/** A number in a line or a cell that explains itself: what it is, how it is known, and from what. */
export function FigureText({ title, figure: { value, provenance, source }, unit, align = 'start' }: FigureTextProps) {
  const text = format(value, unit)
  return (
    <Tooltip label={text} name={`${title}: ${text}, ${provenance}, ${source}`} align={align}>
      <Origin title={title} of={{ provenance, source }} />
    </Tooltip>
  )
}
