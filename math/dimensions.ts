/**
 * Letters, as in the formulas of every file here:
 *
 *     P parameters          L layers            h hidden size        a attention heads     k key/value heads
 *     e size of a head      f FFN width         V vocabulary         s sequence length     E experts   A active experts
 *     b micro-batch         B global batch      m micro-batches of a step and replica
 *     t tensor, p pipeline, d data, c context parallel degree        v virtual stages      N devices
 *     w bytes of an activation                  g matrices of the FFN (2, or 3 when gated)
 *     fe FFN width of an expert, fs of the shared ones      D dense layers of a mixture      sw sliding window
 *     Letters of an encoder are in `encoder.ts`.
 *     qr, kr ranks of latent queries and keys               er rotary part of a head         ev size of a value head
 */
import { completeEncoder, type Encoder } from './encoder'
import type { ModelInput } from './input'
import type { Notes } from './notes'
import { parameterCount } from './parameters'

/** Multi-head latent attention (DeepSeek-V2): keys and values come from a narrow latent, queries may. */
export interface Latent {
  readonly queryRank: number | undefined
  readonly keyValueRank: number
  readonly ropeHeadSize: number
  readonly valueHeadSize: number
}

/** A transformer with every dimension known. */
export interface ModelShape {
  readonly layers: number
  readonly hiddenSize: number
  readonly attentionHeads: number
  readonly keyValueHeads: number
  readonly headSize: number
  readonly ffnHiddenSize: number
  readonly vocabularySize: number
  readonly sequenceLength: number
  readonly slidingWindow?: number | undefined
  readonly experts: number
  readonly activeExperts: number
  /** Width of one expert's FFN. */
  readonly expertFfnHiddenSize?: number | undefined
  readonly sharedFfnHiddenSize?: number | undefined
  readonly denseLayers?: number | undefined
  readonly latent?: Latent | undefined
  readonly linearAttention?: boolean | undefined
  readonly encoder?: Encoder | undefined
  readonly gatedFfn: boolean
  readonly tiedEmbeddings: boolean
  readonly learnedPositions: boolean
  readonly biases: boolean
  /** In training, of attention and of what a layer adds. */
  readonly dropout: boolean
}

type Traits = Pick<ModelShape, 'gatedFfn' | 'tiedEmbeddings' | 'learnedPositions' | 'biases'>
const TRAITS = ['gatedFfn', 'tiedEmbeddings', 'learnedPositions', 'biases'] as const
/** How far the count of a shape may be from the given parameters to be taken for the same model. */
const SAME_MODEL = 0.005

/** Needed to count anything layer by layer; what else is absent has a usual value. */
const NEEDED = ['layers', 'hiddenSize', 'attentionHeads', 'vocabularySize', 'sequenceLength'] as const

export function missingDimensions(model: ModelInput): string[] {
  const missing: string[] = NEEDED.filter(name => model[name] === undefined).map(name => `model.${name}`)
  if (model.gatedFfn === true && model.ffnHiddenSize === undefined) missing.push('model.ffnHiddenSize')
  return missing
}

/** The usual traits: a gated FFN comes with rotary positions, no biases and an own output layer, as in LLaMA. */
function usualTraits(model: ModelInput, gatedFfn: boolean): Traits {
  return {
    gatedFfn,
    tiedEmbeddings: model.tiedEmbeddings ?? !gatedFfn,
    learnedPositions: model.learnedPositions ?? !gatedFfn,
    biases: model.biases ?? !gatedFfn,
  }
}

function candidates(model: ModelInput): Traits[] {
  const gated =
    model.gatedFfn ?? (model.ffnHiddenSize !== undefined && model.ffnHiddenSize !== 4 * (model.hiddenSize ?? 0))
  const usual = usualTraits(model, gated)
  if (model.parameters === undefined) return [usual]
  let all: Traits[] = [usual]
  for (const trait of TRAITS) {
    if (model[trait] !== undefined) continue
    // A gated FFN without a width is not countable: keep to what is usual.
    if (trait === 'gatedFfn' && model.ffnHiddenSize === undefined) continue
    all = all.flatMap(traits => [traits, { ...traits, [trait]: !traits[trait] }])
  }
  return all
}

function withTraits(model: ModelInput, traits: Traits, notes: Notes): ModelShape | undefined {
  const { layers, hiddenSize, attentionHeads, vocabularySize, sequenceLength } = model
  if (layers === undefined || hiddenSize === undefined || attentionHeads === undefined) return undefined
  if (vocabularySize === undefined || sequenceLength === undefined) return undefined
  const experts = model.experts ?? 1
  const decoder: ModelShape = {
    layers,
    hiddenSize,
    attentionHeads,
    vocabularySize,
    sequenceLength,
    experts,
    ...traits,
    keyValueHeads: model.keyValueHeads ?? attentionHeads,
    headSize: model.headSize ?? hiddenSize / attentionHeads,
    ffnHiddenSize: model.ffnHiddenSize ?? 4 * hiddenSize,
    activeExperts: model.activeExperts ?? experts,
    // GPT-2 and its kin have biases and dropout, LLaMA and its kin neither.
    dropout: model.dropout ?? traits.biases,
    slidingWindow: model.slidingWindow,
    linearAttention: model.linearAttention,
    expertFfnHiddenSize: model.expertFfnHiddenSize,
    sharedFfnHiddenSize: model.sharedFfnHiddenSize,
    denseLayers: model.denseLayers,
    latent: latentOf(model, model.headSize ?? hiddenSize / attentionHeads),
  }
  return model.encoder === undefined ? decoder : { ...decoder, encoder: completeEncoder(model, decoder, notes) }
}

function latentOf(model: ModelInput, headSize: number): Latent | undefined {
  if (model.keyValueRank === undefined) return undefined
  return {
    queryRank: model.queryRank,
    keyValueRank: model.keyValueRank,
    ropeHeadSize: model.ropeHeadSize ?? 0,
    valueHeadSize: model.valueHeadSize ?? headSize,
  }
}

const distance = (shape: ModelShape, parameters: number) => Math.abs(parameterCount(shape).value / parameters - 1)

/**
 * The whole shape of a model, or undefined where a dimension without a usual value is missing. Traits that are not
 * given are chosen so that the count meets a given number of parameters, else as is usual; either is noted.
 */
export function completeShape(model: ModelInput, notes: Notes): ModelShape | undefined {
  if (missingDimensions(model).length > 0) return undefined
  const shapes = candidates(model).flatMap(traits => withTraits(model, traits, notes) ?? [])
  const usual = shapes[0]
  if (usual === undefined) return undefined
  const { parameters } = model
  const best =
    parameters === undefined
      ? usual
      : shapes.reduce((one, other) => (distance(other, parameters) < distance(one, parameters) - 1e-9 ? other : one))
  const matched = parameters !== undefined && distance(best, parameters) <= SAME_MODEL
  const shape = matched ? best : usual
  noteTraits(model, shape, matched, notes)
  return shape
}

function noteTraits(model: ModelInput, shape: ModelShape, matched: boolean, notes: Notes): void {
  const why = matched ? 'it meets the given number of parameters' : 'not given; usual for such a model'
  for (const trait of TRAITS) if (model[trait] === undefined) notes.assume(`model.${trait} = ${shape[trait]} (${why})`)
  for (const name of ['keyValueHeads', 'ffnHiddenSize'] as const) {
    if (model[name] === undefined) notes.assume(`model.${name} = ${shape[name]} (not given)`)
  }
  if (shape.experts > 1 && model.activeExperts === undefined) notes.assume('every expert is active (not given)')
  if (model.parameters !== undefined && !matched) {
    const counted = parameterCount(shape).value
    notes.assume(`the given ${model.parameters} parameters are used; the dimensions would give ${counted}`)
  }
}
