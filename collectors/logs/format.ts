/** The contract of a log format: one file per framework, one line in `index.ts`. Parsing only; reading is `follow.ts`. */
import type { WireRecord } from '../../wire/records'
import type { Json } from '../collector'

/** One line of a log, cleaned: no ANSI codes, no carriage-return remains, no rank prefix. */
export interface LogLine {
  readonly text: string
  /** From a prefix such as `[default3]:`, `[rank3]:` or `3: `; absent where there was none. */
  readonly rank?: number | undefined
  /** Who logged it and where, from the prefix of a system log (`Aug 17 06:18:01 HOST PROGRAM[123]: `). */
  readonly program?: string | undefined
  readonly host?: string | undefined
  /** When it was read, Unix seconds; absent when a finished file is parsed. A time in the line itself wins. */
  readonly time?: number | undefined
}

export interface LogFormat<State extends Json = Json> {
  readonly name: string
  readonly help: string
  /** Where the format is defined: the file in the framework's repository. */
  readonly origin: string
  /** It reads what any script could print: asked only for lines that nobody else knows, and never first. */
  readonly general?: true
  /** The state at the beginning of a log: plain JSON, for it is saved with the cursor and resumes mid-file. */
  begin(): State
  /**
   * Records of a line; may change `state`. `undefined`: this line is not of this format. `[]`: it is, and says nothing
   * (yet): part of a block of several lines, or a line without figures. Pure: no clock, no files; never throws.
   */
  parse(line: LogLine, state: State): WireRecord[] | undefined
  /**
   * Records held back because their block could have gone on. Asked for when a line turns out not to be of this format,
   * when the log has been still for a while, and at its end. May change `state`; never throws.
   */
  flush?(state: State): WireRecord[]
}

export function defineFormat<State extends Json>(format: LogFormat<State>): LogFormat<State> {
  return format
}
