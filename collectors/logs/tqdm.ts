/** tqdm's progress bars: `Map:  5%|▌  | 5/100 [00:10<03:12,  2.03s/it]`. https://github.com/tqdm/tqdm/blob/master/tqdm/std.py */
import { numberOf, tidy } from './values'

export interface Bar {
  /** Text before the percentage, empty for a bar without description. */
  readonly description: string
  readonly done: number
  readonly total: number
  /** Smoothed by tqdm; absent at the beginning, when it prints `?`. */
  readonly secondsPerItem: number | undefined
  /** What follows the bar on the same line. */
  readonly rest: string
}

const COUNTS =
  /^[^|]{0,400}\|\s{0,8}(\d{1,12})\/(\d{1,12})\s?\[(?:\d{1,6}:)?\d\d:\d\d<(?:(?:\d{1,6}:)?\d\d:\d\d|\?),\s{0,8}([\d.]{1,12}|\?)\s?(s\/it|it\/s)([^\]]{0,400})\]/

export function readBar(text: string): Bar | undefined {
  const percent = text.indexOf('%|')
  if (percent < 1 || percent > 400) return undefined
  const match = COUNTS.exec(text.slice(percent + 2, percent + 2000))
  if (match === null) return undefined
  const rate = numberOf(match[3])
  const description = text
    .slice(0, percent)
    .replace(/\d{1,3}$/, '')
    .trim()
  return {
    description,
    done: Number(match[1]),
    total: Number(match[2]),
    secondsPerItem: rate === undefined || rate === 0 ? undefined : tidy(match[4] === 's/it' ? rate : 1 / rate),
    rest: text.slice(percent + 2 + match[0].length),
  }
}
