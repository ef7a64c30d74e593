/** Detectors in the order in which their findings are shown. */
import { messageOf } from '../base/errors'
import { registry } from '../base/registry'
import type { Finding } from '../wire/findings'
import { belowPrediction } from './below-prediction'
import { communicationBound } from './communication-bound'
import { withLoss } from './cost'
import { dataSkew } from './data-skew'
import type { Detector, DetectorWindow } from './detector'
import { devicePace } from './device-pace'
import { crash, outOfMemory } from './failures'
import { hang } from './hang'
import { memoryForecast } from './memory-forecast'
import { silentRun } from './silent-run'
import { slowLink } from './slow-link'
import { slowPath } from './slow-path'
import { slowRank } from './slow-rank'
import { slowerRun } from './slower-run'
import { unevenTimers } from './uneven-timers'

export const detectors = registry<Detector>('detector', [
  outOfMemory,
  crash,
  hang,
  memoryForecast,
  silentRun,
  slowRank,
  slowLink,
  slowPath,
  dataSkew,
  unevenTimers,
  devicePace,
  communicationBound,
  slowerRun,
  belowPrediction,
])

/** Findings of one detector after the other. One that throws is reported by `failed` and never stops the others. */
export function* detectEach(
  window: DetectorWindow,
  failed: (detector: string, message: string) => void,
): Generator<Finding[]> {
  for (const detector of detectors) {
    try {
      yield detector.detect(window).map(finding => withLoss(finding, window))
    } catch (error) {
      failed(detector.name, messageOf(error))
    }
  }
}

/** Findings of all detectors. */
export const detectAll = (window: DetectorWindow, failed: (detector: string, message: string) => void): Finding[] =>
  [...detectEach(window, failed)].flat()
