/** tqdm's progress bars: `Map:  5%|▌  | 5/100 [00:10<03:12,  2.03s/it]`. https://github.com/tqdm/tqdm/blob/master/tqdm/std.py */
import type { Figures } from './figures'
import { numberOf, tidy } from './values'

export interface Bar {
  /** Text before the percentage, empty for a bar without description. */
  readonly description: string
  readonly done: number
  /** Absent where tqdm was not told how many there are. */
  readonly total: number | undefined
  /** Smoothed by tqdm; absent at the beginning, when it prints `?`. */
  readonly secondsPerItem: number | undefined
  /** What a script put behind the rate: `loss=2.31, lr=1e-5`. */
  readonly postfix: Figures
  /** What follows the bar on the same line. */
  readonly rest: string
}

const CLOCK = String.raw`(?:\d{1,6}:)?\d\d:\d\d`
const RATE = String.raw`\s{0,8}([\d.]{1,12}|\?)\s?((?:s|sec)\/\w{1,12}|\w{1,12}\/s)`
const COUNTS = new RegExp(
  String.raw`^[^|]{0,400}\|\s{0,8}(\d{1,12})\/(\d{1,12})\s?\[${CLOCK}<(?:\d{1,4} days?, )?(?:${CLOCK}|\?),?(?:${RATE})?([^\]]{0,1000})\]`,
)
const UNCOUNTED = new RegExp(
  String.raw`^([^|[\]]{0,200}?):?\s{0,8}(\d{1,12})(?:it| \w{1,12})? \[${CLOCK},${RATE}([^\]]{0,1000})\]`,
)

/** A bar of epochs tells of no steps. */
const EPOCHS = /^(?:epochs?\/s|(?:s|sec)\/epochs?)$/i

function postfixOf(text: string): Figures {
  const parts = text.split(/,\s{1,4}/).map(part => part.split('='))
  return new Map(
    parts.flatMap(([name, ...value]) =>
      value.length === 1 ? [[(name ?? '').trim(), (value[0] ?? '').trim()] as const] : [],
    ),
  )
}

function secondsOf(rate: string | undefined, unit: string | undefined): number | undefined {
  const value = numberOf(rate)
  if (value === undefined || value < 1e-6) return undefined
  return tidy(/^s(?:ec)?\//.test(unit ?? '') ? value : 1 / value)
}

export function readBar(text: string): Bar | undefined {
  const percent = text.indexOf('%|')
  if (percent < 1 || percent > 400) return undefined
  const match = COUNTS.exec(text.slice(percent + 2, percent + 2000))
  if (match === null || EPOCHS.test(match[4] ?? '')) return undefined
  const description = text
    .slice(0, percent)
    .replace(/\d{1,3}$/, '')
    .trim()
  return {
    description,
    done: Number(match[1]),
    total: Number(match[2]),
    secondsPerItem: secondsOf(match[3], match[4]),
    postfix: postfixOf(match[5] ?? ''),
    rest: text.slice(percent + 2 + match[0].length),
  }
}

/** A bar of something without an end: `Epoch 0: : 100it [00:17, 5.75it/s, loss=2.3]`. */
export function readUncounted(text: string): Bar | undefined {
  const match = text.includes('it [') ? UNCOUNTED.exec(text.slice(0, 2000)) : null
  if (match === null) return undefined
  return {
    description: (match[1] ?? '').trim(),
    done: Number(match[2]),
    total: undefined,
    secondsPerItem: secondsOf(match[3], match[4]),
    postfix: postfixOf(match[5] ?? ''),
    rest: text.slice(match[0].length),
  }
}
