/** The commands of the documents: indented blocks, with what a comment above them says of running them. */

export interface Commands {
  /** The line of the page that the block begins in. */
  readonly line: number
  readonly text: string
  /** Why it is not run; absent where it is. */
  readonly notRun: string | undefined
  /** It goes on while what follows is run: a hub. */
  readonly goesOn: boolean
}

const NOT_RUN = /^<!-- not run: (.+) -->$/
const GOES_ON = /^<!-- runs until the page answers, and on to the end of this document -->$/

/** Programs that begin a command; other indented blocks (YAML, Python) are no commands. */
const PROGRAM =
  /^(?:[A-Z_]+=\S+ )*(?:plumbline|npm|npx|node|curl|srun|helm|kubectl|systemctl|podman|docker|export|python3?|sbatch|promtool)\b/

/** Blocks of one page, in order. */
export function commandsOf(page: string): Commands[] {
  const lines = page.split('\n')
  const found: Commands[] = []
  let fenced = false
  for (let at = 0; at < lines.length; at += 1) {
    if (lines[at]?.startsWith('```') === true) fenced = !fenced
    if (fenced || lines[at]?.startsWith('    ') !== true || lines[at - 1] !== '') continue
    const from = at
    while (lines[at]?.startsWith('    ') === true) at += 1
    const block = lines.slice(from, at).map(line => line.slice(4))
    if (!block.some(line => PROGRAM.test(line))) continue
    const above = lines.slice(0, from).findLast(line => line !== '') ?? ''
    const notRun = NOT_RUN.exec(above)?.[1]
    found.push({ line: from + 1, text: block.join('\n'), notRun, goesOn: GOES_ON.test(above) })
  }
  return found
}
