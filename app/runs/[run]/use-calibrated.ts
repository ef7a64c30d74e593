'use client'
import { useMemo } from 'react'
import { calibrate } from '../../../math/calibrate'
import type { PredictInput } from '../../../math/input'
import { withUsualNetwork } from '../../../math/plan-search'
import { observedOf } from '../../data/observed'
import { useGpus, useMembers } from '../../data/run-parts'
import { useRunPage } from './run-context'

/** Two digits: what is fitted to live figures must not set off a new search with each of them. */
const settled = (value: number | null | undefined) => (value == null ? undefined : Number(value.toPrecision(2)))

/** The configuration with what the run itself showed of the peak, of overlap and of memory. */
export function useCalibrated(config: PredictInput) {
  const page = useRunPage()
  const { summary } = page.view.detail
  const { value: ranks } = useMembers(page)
  const { value: gpus } = useGpus(page)
  const found = useMemo(
    () => calibrate(withUsualNetwork(config), observedOf({ summary, ranks: ranks ?? [], gpus: gpus ?? [] })),
    [config, summary, ranks, gpus],
  )
  const achievableRatio = settled(found.calibration.achievableRatio)
  const activationFactor = settled(found.calibration.activationFactor)
  const fragmentationRatio = settled(found.calibration.fragmentationRatio)
  const contextBytes = settled(found.calibration.contextBytes)
  const overlapRatio = settled(found.calibration.overlapRatio)
  const asCalibrated = useMemo(
    () => ({
      ...config,
      calibration: { achievableRatio, overlapRatio, activationFactor, fragmentationRatio, contextBytes },
    }),
    [config, achievableRatio, overlapRatio, activationFactor, fragmentationRatio, contextBytes],
  )
  return { found, asCalibrated }
}
