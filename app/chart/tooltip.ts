/** The note beside the crosshair, as elements: names come from other machines and are never taken for HTML. */
export interface TooltipRow {
  readonly color?: string | undefined
  readonly name: string
  readonly value: string
}

function cell(text: string, style: string): HTMLElement {
  const element = document.createElement('span')
  element.textContent = text
  element.style.cssText = style
  return element
}

export function tooltipElement(title: string, rows: readonly TooltipRow[]): HTMLElement {
  const box = document.createElement('div')
  box.style.cssText = 'display:grid;grid-template-columns:auto auto auto;gap:1px 8px;font-variant-numeric:tabular-nums'
  box.append(cell(title, 'grid-column:1/-1;font-weight:600'))
  for (const row of rows) {
    box.append(
      cell('', `align-self:center;width:8px;height:8px;border-radius:2px;background:${row.color ?? 'transparent'}`),
      cell(row.name, ''),
      cell(row.value, 'text-align:right;font-weight:600'),
    )
  }
  return box
}
