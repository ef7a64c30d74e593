/** Tables that AMD's tools print: columns apart by blanks, some cells with a blank within. */

/** A title line → titles; two blanks or a tab part them (`SCLK OD`, `Temp (DieEdge)` are one each). */
export const titlesOf = (line: string): string[] =>
  line
    .trim()
    .slice(0, 4000)
    .split(/\s{2,20}|\t/)
    .filter(Boolean)

/** Cells apart by two blanks; a cell that ends with a comma goes on in the next (`0x74a1,   47056`). */
export function wideCells(line: string): string[] {
  const cells: string[] = []
  for (const cell of titlesOf(line)) {
    const last = cells.at(-1)
    if (last?.endsWith(',') === true) cells[cells.length - 1] = `${last} ${cell}`
    else cells.push(cell)
  }
  return cells
}

/** `[0 %, N/A]`, `2.9/ 15.9 GB`, `201 W`, `46 °C`, `N/A`, `True`: the cells of a line whose columns stand one blank apart. */
const CELL =
  /\[[^[\]]{0,2000}\]|\d[\d.]{0,20}\/ {0,6}\d[\d.]{0,20} [A-Za-z]{1,3}(?=\s|$)|-?\d[\d.]{0,20} (?:°?[CF]|[munkMG]?W|[kMG]?Hz|%|[KMGTP]?i?B|[KMG][Bb](?:\/s|ps)|GT\/s|m?V|us|ns|J)(?=\s|$)|\S{1,200}/g

export const cellsWithUnits = (line: string): string[] => line.slice(0, 4000).match(CELL) ?? []
