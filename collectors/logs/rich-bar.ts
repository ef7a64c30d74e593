/** Progress bars of rich as Lightning draws them: `Epoch 0/9 ━━━━╸━━━ 15/32 0:00:01 • 0:00:02 12.35it/s v_num: 0 loss: 2.3`. */
import type { Bar } from './tqdm'
import { numberOf, tidy } from './values'

const CLOCK = String.raw`(?:-|\d{1,6}):(?:--|\d\d):(?:--|\d\d)`
const BAR = new RegExp(
  String.raw`^\s{0,8}([A-Za-z][^━╸╺]{0,80}?)\s{1,8}[━╸╺ ]{5,400}\s{0,4}(\d{1,12})\/(\d{1,12}|--)\s{1,8}${CLOCK} • ${CLOCK}\s{1,8}(?:([\d.]{1,12})(it\/s|s\/it))?(.{0,2000})$`,
  'u',
)
const FIGURE = /([A-Za-z][\w./-]{0,80}): (\S{1,40})/g

export function readRich(text: string): Bar | undefined {
  const match = text.includes('•') ? BAR.exec(text) : null
  if (match === null) return undefined
  const [, description = '', done, total, rate, unit, rest = ''] = match
  const value = numberOf(rate)
  const seconds = value === undefined || value < 1e-6 ? undefined : unit === 's/it' ? value : tidy(1 / value)
  return {
    // Of how many epochs it is stands behind it.
    description: description.trim().replace(/^(Epoch \d{1,9})\/-?\d{1,9}$/, '$1'),
    done: Number(done),
    total: numberOf(total),
    secondsPerItem: seconds,
    postfix: new Map([...rest.matchAll(FIGURE)].map(([, name = '', figure = '']) => [name, figure])),
    rest: '',
  }
}
