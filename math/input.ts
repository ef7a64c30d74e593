/**
 * What a prediction starts from: the fields of a config record, and a few more that no log prints. Everything may be
 * absent. Bytes, seconds and plain counts; batches are in sequences, a micro-batch is that of one model replica.
 */
type Maybe<T> = T | undefined

/** A second stack of layers beside the decoder; what is absent is as in the decoder. */
export interface EncoderInput {
  layers?: Maybe<number>
  hiddenSize?: Maybe<number>
  attentionHeads?: Maybe<number>
  keyValueHeads?: Maybe<number>
  headSize?: Maybe<number>
  ffnHiddenSize?: Maybe<number>
  /** Tokens or patches that it reads. */
  sequenceLength?: Maybe<number>
  gatedFfn?: Maybe<boolean>
  biases?: Maybe<boolean>
  learnedPositions?: Maybe<boolean>
  /** Every layer of the decoder attends to its output (T5); else that stands in the decoder's own sequence. */
  crossAttention?: Maybe<boolean>
  /** A vision tower: side of an image patch in pixels. */
  patchSize?: Maybe<number>
  /** Of what leads from its output into the decoder; one matrix where the widths differ. */
  projectorParameters?: Maybe<number>
}

export interface ModelInput {
  name?: Maybe<string>
  layers?: Maybe<number>
  hiddenSize?: Maybe<number>
  attentionHeads?: Maybe<number>
  keyValueHeads?: Maybe<number>
  /** Width of one head; hiddenSize / attentionHeads where absent. */
  headSize?: Maybe<number>
  ffnHiddenSize?: Maybe<number>
  vocabularySize?: Maybe<number>
  sequenceLength?: Maybe<number>
  /** Attention keeps no scores for the backward pass, as the model was seen to compute; `flashAttention` overrides it. */
  fusedAttention?: Maybe<boolean>
  /** Tokens that a token attends to, where they are fewer than the sequence (Mistral). */
  slidingWindow?: Maybe<number>
  experts?: Maybe<number>
  activeExperts?: Maybe<number>
  /** Width of one expert's FFN; ffnHiddenSize where absent. */
  expertFfnHiddenSize?: Maybe<number>
  /** Width of the FFN that every token visits beside its experts, all shared experts together. */
  sharedFfnHiddenSize?: Maybe<number>
  /** The first layers of a mixture of experts that have an ordinary FFN of ffnHiddenSize. */
  denseLayers?: Maybe<number>
  /** Multi-head latent attention (DeepSeek): width of the latent that keys and values are made from. */
  keyValueRank?: Maybe<number>
  /** The same for queries; they are made from the hidden state where absent. */
  queryRank?: Maybe<number>
  /** Latent attention: what rotary positions add to a query or key head. */
  ropeHeadSize?: Maybe<number>
  /** Latent attention: width of a value head; headSize where absent. */
  valueHeadSize?: Maybe<number>
  /** No scores between all tokens (RWKV, linear attention): no term that grows with the square of the sequence. */
  linearAttention?: Maybe<boolean>
  /** Of an encoder-decoder, or a vision tower beside a text model. */
  encoder?: Maybe<EncoderInput>
  parameters?: Maybe<number>
  /** Those that are trained, where the rest is frozen (LoRA adapters). */
  trainableParameters?: Maybe<number>
  tiedEmbeddings?: Maybe<boolean>
  gatedFfn?: Maybe<boolean>
  /** A learned table of positions, as in GPT-2; rotary and ALiBi positions have no parameters. */
  learnedPositions?: Maybe<boolean>
  /** Biases in linear layers and norms, as in GPT-2. */
  biases?: Maybe<boolean>
  /** Some of its dropouts are not 0; where nobody says, as biases are. */
  dropout?: Maybe<boolean>
}

export interface ParallelismInput {
  worldSize?: Maybe<number>
  tensor?: Maybe<number>
  pipeline?: Maybe<number>
  data?: Maybe<number>
  context?: Maybe<number>
  expert?: Maybe<number>
  virtualStages?: Maybe<number>
  zeroStage?: Maybe<number>
  sequenceParallel?: Maybe<boolean>
  /** Devices over which ZeRO or FSDP shards, where they are fewer than all replicas (HSDP). */
  shardGroup?: Maybe<number>
  /** All micro-batches forward before the first goes back (GPipe); one forward, one backward where absent. */
  schedule?: Maybe<'1f1b' | 'gpipe'>
}

export interface HardwareInput {
  gpu?: Maybe<string>
  count?: Maybe<number>
  /** Peak of one device, measured or known otherwise; wins over the table. */
  peakFlopsPerSecond?: Maybe<number>
  peakSource?: Maybe<string>
  /** Devices of one node; 8 where absent. */
  gpusPerNode?: Maybe<number>
  /** Bytes per second and direction of one device to others of its node. */
  linkBytesPerSecond?: Maybe<number>
  /** Bytes per second and direction of one device to other nodes. */
  networkBytesPerSecond?: Maybe<number>
  /** Seconds until the first byte arrives, inside a node and between nodes; none where absent. */
  linkLatencySeconds?: Maybe<number>
  networkLatencySeconds?: Maybe<number>
}

export interface Calibration {
  /** Share of the peak that this job's compute reaches. */
  achievableRatio?: Maybe<number>
  /** Activations (and what else lives with them) that were held, over those that are predicted. */
  activationFactor?: Maybe<number>
  /** What the allocator reserves beyond what tensors hold, over the latter. */
  fragmentationRatio?: Maybe<number>
  /** Context of the driver, libraries: what the device has in use beyond the allocator. */
  contextBytes?: Maybe<number>
  /** Share of all communication that compute hides; by the schedule of the formulas where absent. */
  overlapRatio?: Maybe<number>
}

export interface PredictInput {
  framework?: Maybe<string>
  model?: Maybe<ModelInput>
  parallelism?: Maybe<ParallelismInput>
  batch?: Maybe<{ micro?: Maybe<number>; global?: Maybe<number> }>
  /** Uncertain constants as a run showed them: see `calibrate.ts`. */
  calibration?: Maybe<Calibration>
  /** Of the whole training. */
  budget?: Maybe<{ tokens?: Maybe<number>; pricePerDeviceHour?: Maybe<number> }>
  /** Serving instead of training: sequences at a time, tokens of each, precisions of weights and cache. */
  serving?: Maybe<{
    batch?: Maybe<number>
    tokens?: Maybe<number>
    weights?: Maybe<string>
    cache?: Maybe<string>
  }>
  precision?: Maybe<string>
  optimizer?: Maybe<string>
  /** none, selective, full, or by-size: activations of more than `recomputeAboveBytes` on a device. */
  recompute?: Maybe<string>
  recomputeAboveBytes?: Maybe<number>
  hardware?: Maybe<HardwareInput>
  /** Precision in which gradients are kept: fp32 or that of the parameters. */
  gradientPrecision?: Maybe<string>
  /** False: 16-bit training without an fp32 copy of the weights, optimizer states in 16 bits as well. */
  masterCopy?: Maybe<boolean>
  /** In which weights that are not trained are kept, int4 and int8 too (QLoRA); that of the others where absent. */
  frozenPrecision?: Maybe<string>
  /** Attention scores are not kept for the backward pass. */
  flashAttention?: Maybe<boolean>
  /** Kept in host memory: the optimizer, or the parameters too (ZeRO-Offload, ZeRO-Infinity). */
  offload?: Maybe<'optimizer' | 'parameters'>
  /** Count as this calculator does, where it counts: a name of `conventions/`. */
  conventions?: Maybe<string>
  /** Count the whole square of the attention matrix, or its causal half. */
  attention?: Maybe<'full' | 'causal'>
}
