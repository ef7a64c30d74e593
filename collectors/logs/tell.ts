/**
 * What a log says, line by line, for whoever looks at a run: a long line is cut, and of a flood only some lines a second are
 * told, with how many were left out.
 */
import type { RecordOf } from '../../wire/records'
import type { LogLine } from './format'

const MOST_CHARACTERS = 500
const MOST_A_SECOND = 20
/** Between lines of one moment, so that they stay in their order: less is lost in the seconds since the epoch. */
const APART_SECONDS = 1e-6

/** Between words, where there is a place: half a secret is not known as one. */
const WORD_CHARACTERS = 100

type Line = RecordOf<'line'>

function cut(text: string): string {
  const kept = text.slice(0, MOST_CHARACTERS)
  const space = kept.lastIndexOf(' ')
  return `${space < MOST_CHARACTERS - WORD_CHARACTERS ? kept : kept.slice(0, space)} …`
}

export class Teller {
  private second = -Infinity
  private told = 0
  private left = 0
  private last = -Infinity

  /** `source`: which log it is. */
  constructor(private readonly source: string) {}

  /** The line as it is told; nothing of a flood. A saved file, which comes without the time of reading, is told whole. */
  tell({ text, rank, time }: LogLine, at: number | undefined): Line[] {
    const said = text.length > MOST_CHARACTERS ? cut(text) : text
    if (at === undefined) return [this.line(said, rank, time)]
    const before = this.turn(Math.floor(at))
    this.told += 1
    if (this.told > MOST_A_SECOND) {
      this.left += 1
      return []
    }
    const gap = before === 0 ? [] : [this.line(`… ${before} lines left out`, undefined, at)]
    return [...gap, this.line(said, rank, time)]
  }

  /** How many lines the second before left out, once a new one begins. */
  private turn(second: number): number {
    if (second === this.second) return 0
    const { left } = this
    this.second = second
    this.told = 0
    this.left = 0
    return left
  }

  private line(text: string, rank: number | undefined, time: number | undefined): Line {
    const { source } = this
    if (time !== undefined) this.last = time > this.last ? time : this.last + APART_SECONDS
    const line = { kind: 'line' as const, source, text, ...(rank !== undefined && { rank }) }
    return time === undefined ? line : { ...line, time: this.last }
  }
}
