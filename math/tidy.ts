/** Input as it came, less what is no sensible number, with what a model's name says filled in. */
import type { ModelInput, PredictInput } from './input'
import type { Notes } from './notes'
import { findPreset } from './presets'

/** Fields that may be 0. */
const MAY_BE_ZERO = new Set(['zeroStage', 'fragmentationRatio', 'contextBytes', 'overlapRatio'])

function tidyGroup<T extends object>(group: T | undefined, path: string, notes: Notes): T {
  const kept = Object.entries(group ?? {}).filter(([name, value]) => {
    if (value === undefined || value === null) return false
    if (typeof value !== 'number') return true
    const sensible = Number.isFinite(value) && (value > 0 || (value === 0 && MAY_BE_ZERO.has(name)))
    if (!sensible) notes.assume(`${path}.${name} = ${value} cannot be, and counts as not given`)
    return sensible
  })
  return Object.fromEntries(kept) as T
}

/** Dimensions that the input lacks are taken from the preset of the model's name, unless the two disagree. */
function fillFromPreset(model: ModelInput, notes: Notes): ModelInput {
  const preset = model.name === undefined ? undefined : findPreset(model.name)
  if (preset === undefined) return model
  const absent = Object.keys(preset.model).filter(name => model[name as keyof ModelInput] === undefined)
  if (absent.length === 0) return model
  const disagree = Object.entries(model).some(([name, value]) => {
    const known = preset.model[name as keyof ModelInput]
    return !['name', 'sequenceLength', 'vocabularySize'].includes(name) && known !== undefined && known !== value
  })
  if (disagree) return model
  notes.assume(`${absent.map(name => `model.${name}`).join(', ')} from the preset ${preset.name}`)
  return { ...preset.model, ...model }
}

export function tidyInput(given: PredictInput, notes: Notes): PredictInput {
  return {
    ...given,
    model: fillFromPreset(tidyGroup(given.model, 'model', notes), notes),
    parallelism: tidyGroup(given.parallelism, 'parallelism', notes),
    batch: tidyGroup(given.batch, 'batch', notes),
    hardware: tidyGroup(given.hardware, 'hardware', notes),
    ...(given.calibration !== undefined && { calibration: tidyGroup(given.calibration, 'calibration', notes) }),
    ...(given.budget !== undefined && { budget: tidyGroup(given.budget, 'budget', notes) }),
    ...(given.serving !== undefined && { serving: tidyGroup(given.serving, 'serving', notes) }),
  }
}
