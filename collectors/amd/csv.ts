/** CSV as Python writes it: cells in double quotes may hold commas and doubled quotes. Undefined where quotes do not close. */
export function cellsOfCsv(line: string): string[] | undefined {
  if (line.length > 1_000_000) return undefined
  const cells: string[] = []
  let at = 0
  for (;;) {
    if (line[at] !== '"') {
      const comma = line.indexOf(',', at)
      cells.push(line.slice(at, comma < 0 ? undefined : comma).trim())
      if (comma < 0) return cells
      at = comma + 1
      continue
    }
    let cell = ''
    for (;;) {
      const quote = line.indexOf('"', at + 1)
      if (quote < 0) return undefined
      cell += line.slice(at + 1, quote)
      at = quote + 1
      if (line[at] !== '"') break
      cell += '"'
    }
    cells.push(cell.trim())
    if (at >= line.length) return cells
    if (line[at] !== ',') return undefined
    at += 1
  }
}
