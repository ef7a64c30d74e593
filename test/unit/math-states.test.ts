import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { modelStates } from '../../math/memory'
import { Notes } from '../../math/notes'
import { parameterCount } from '../../math/parameters'
import { predict, type PredictInput } from '../../math/predict'
import { endStages, stageOf } from '../../math/stage'
import { optimizerNames, optimizerOf, shardsOf, stateBytes } from '../../math/states'
import { anyInput, anyParallelism, anyShape, planOf, shapeOf } from './math-shapes'
import { tableOf, there } from './math-reference'

const bytesOf = (input: PredictInput) => stateBytes(input, planOf(input), new Notes())
const perParameter = (input: PredictInput) => {
  const bytes = bytesOf(input)
  return bytes === undefined ? undefined : [bytes.parameters, bytes.gradients, bytes.optimizer]
}
const states = (input: PredictInput) => {
  const { parametersBytes = NaN, gradientsBytes = NaN, optimizerBytes = NaN } = predict(input).memory
  return parametersBytes + gradientsBytes + optimizerBytes
}

describe('bytes per parameter', () => {
  // Transformer Math 101: weights, gradients, optimizer. ZeRO, section 3.1, has 2 + 2 + 12 for mixed-precision Adam.
  it.each<[string, PredictInput, readonly number[]]>([
    ['mixed-precision Adam: 16', { precision: 'fp16', optimizer: 'adam' }, [2, 2, 12]],
    ['the same in bf16', { precision: 'bf16' }, [2, 2, 12]],
    ['fp8 keeps 16-bit weights', { precision: 'fp8' }, [2, 2, 12]],
    ['Megatron keeps fp32 gradients: 18', { framework: 'megatron', precision: 'bf16' }, [2, 4, 12]],
    ['gradients as asked', { precision: 'bf16', gradientPrecision: 'fp32' }, [2, 4, 12]],
    ['full precision: 16', { precision: 'fp32' }, [4, 4, 8]],
    ['autocast holds fp32 weights: 16', { framework: 'nanogpt', precision: 'bf16' }, [4, 4, 8]],
    ['8-bit Adam', { precision: 'bf16', optimizer: 'adam8bit' }, [2, 2, 6]],
    ['SGD with momentum', { precision: 'bf16', optimizer: 'sgd-momentum' }, [2, 2, 8]],
    ['SGD', { precision: 'bf16', optimizer: 'sgd' }, [2, 2, 4]],
    ['Lion has one moment', { precision: 'bf16', optimizer: 'lion' }, [2, 2, 8]],
    ['Muon has one moment', { precision: 'bf16', optimizer: 'muon' }, [2, 2, 8]],
    ['Adafactor has next to none', { precision: 'bf16', optimizer: 'adafactor' }, [2, 2, 4]],
    ['Shampoo has four matrices and a momentum', { precision: 'bf16', optimizer: 'shampoo' }, [2, 2, 24]],
  ])('%s', (_, input, bytes) => {
    expect(perParameter(input)).toEqual(bytes)
  })

  it('are unknown of an optimizer that is not known, and the prediction says so', () => {
    expect(bytesOf({ optimizer: 'sophia' })).toBeUndefined()
    const { memory, missing } = predict({ model: { parameters: 1e9 }, optimizer: 'sophia' })
    expect(memory.optimizerBytes).toBeUndefined()
    expect(missing.find(({ figure }) => figure === 'memory.totalBytes')?.needs.join()).toContain('sophia')
  })
})

describe('the name of an optimizer', () => {
  it.each([
    ['adam', 'adamw'],
    ['AdamW', 'adamw'],
    ['torch.optim.AdamW', 'adamw'],
    ['FusedAdam', 'adamw'],
    ['adamw_torch_fused', 'adamw'],
    ['distributed_fused_adam', 'adamw'],
    ['adamw_bnb_8bit', 'adam8bit'],
    ['paged_adamw_8bit', 'adam8bit'],
    ['adam8bit', 'adam8bit'],
    ['SGD', 'sgd'],
    ['sgd_momentum', 'sgd-momentum'],
    ['lion', 'lion'],
    ['adafactor', 'adafactor'],
    ['adagrad', undefined],
    ['muon', 'muon'],
    ['constructor', undefined],
    ['', undefined],
  ])('"%s" is %s', (text, name) => {
    expect(optimizerOf(text)).toBe(name)
  })

  it('of ours is known as it is', () => {
    for (const name of optimizerNames) expect(optimizerOf(name)).toBe(name)
  })
})

describe('ZeRO', () => {
  it('cuts the optimizer, then gradients, then parameters', () => {
    const stages = [0, 1, 2, 3].map(zeroStage => planOf({ parallelism: { data: 64, zeroStage } }))
    expect(stages.map(shardsOf)).toEqual([
      { optimizer: 1, gradients: 1, parameters: 1 },
      { optimizer: 64, gradients: 1, parameters: 1 },
      { optimizer: 64, gradients: 64, parameters: 1 },
      { optimizer: 64, gradients: 64, parameters: 64 },
    ])
  })

  // ZeRO, figure 1: 7.5 B parameters on 64 devices take 120, 31.4, 16.6 and 1.9 GB.
  it.each([
    [0, 120],
    [1, 31.4],
    [2, 16.6],
    [3, 1.9],
  ])('stage %i holds 7.5 B parameters on 64 devices in %d GB', (zeroStage, gigabytes) => {
    const input = { model: { parameters: 7.5e9 }, precision: 'fp16', parallelism: { data: 64, zeroStage } }
    expect(states(input) / 1e9).toBeCloseTo(gigabytes, 1)
  })

  it.skipIf(!there)('gives the published memory of every model, device count and stage of table 1', () => {
    const rows = tableOf('ZeRO', 'Table 1')
    expect(rows.length).toBeGreaterThan(40)
    for (const row of rows) {
      const parameters = Number.parseFloat(String(row['model'])) * (String(row['model']).endsWith('T') ? 1e12 : 1e9)
      const zeroStage = Number(/ZeRO-(\d)/.exec(String(row['stage']))?.[1])
      const parallelism = { data: Number(row['dp']), zeroStage }
      const gigabytes = states({ model: { parameters }, precision: 'fp16', parallelism }) / 1e9
      const printed = Number(row['GB'])
      // Printed in three digits, some cut and some rounded.
      expect(Math.abs(gigabytes - printed), JSON.stringify(row)).toBeLessThanOrEqual(Math.max(0.01, printed * 0.01))
    }
  })

  it('never takes more at a higher stage, nor on more devices', () => {
    const on = fc.record({ all: fc.integer({ min: 1, max: 1e9 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
    fc.assert(
      fc.property(anyInput, on, (input, { all, share }) => {
        const at = (zeroStage: number, data: number) => {
          const parallelism = { ...input.parallelism, zeroStage, data, expert: 8 }
          const bytes = bytesOf(input)
          if (bytes === undefined) throw new Error('all optimizers here are known')
          const held = modelStates({ all, experts: share * all }, bytes, planOf({ ...input, parallelism }))
          return held.parameters.value + held.gradients.value + held.optimizer.value
        }
        for (const stage of [0, 1, 2, 3]) {
          expect(at(stage, 16)).toBeLessThanOrEqual(at(stage, 8) * (1 + 1e-12))
          if (stage > 0) expect(at(stage, 8)).toBeLessThanOrEqual(at(stage - 1, 8) * (1 + 1e-12))
        }
      }),
    )
  })

  it('leaves experts fewer replicas to cut over', () => {
    const bytes = bytesOf({ precision: 'bf16' })
    const plan = planOf({ parallelism: { data: 16, expert: 8, zeroStage: 1 } })
    if (bytes === undefined) throw new Error('AdamW is known')
    // 100 parameters, 60 of them in experts that two devices share: 40·12/16 + 60·12/2.
    expect(modelStates({ all: 100, experts: 60 }, bytes, plan).optimizer.value).toBe(30 + 360)
  })
})

describe('pipeline stages and tensor ranks', () => {
  it('hold the whole model together', () => {
    fc.assert(
      fc.property(anyShape, anyParallelism, (any, parallelism) => {
        const shape = { ...any, layers: any.layers * parallelism.pipeline }
        const plan = planOf({ parallelism })
        const stages = Array.from({ length: plan.pipeline }, (_, index) => stageOf(shape, plan, index))
        const all = stages.reduce((sum, stage) => sum + plan.tensor * stage.deviceParameters, 0)
        // Tied weights are held at both ends of a pipeline.
        const twice = shape.tiedEmbeddings && plan.pipeline > 1 ? shape.vocabularySize * shape.hiddenSize : 0
        expect(all / (parameterCount(shape).value + twice)).toBeCloseTo(1, 12)
      }),
    )
  })

  it('between the ends hold less than the first', () => {
    fc.assert(
      fc.property(anyShape, anyParallelism, (shape, parallelism) => {
        const plan = planOf({ parallelism })
        const [first] = endStages(shape, plan)
        for (let index = 1; index < plan.pipeline - 1; index += 1) {
          const between = stageOf(shape, plan, index)
          expect(between.deviceParameters).toBeLessThanOrEqual(first?.deviceParameters ?? NaN)
          expect(between.inFlight).toBeLessThanOrEqual(first?.inFlight ?? NaN)
        }
      }),
    )
  })

  it('spread bare parameters evenly', () => {
    const { memory } = predict({ model: { parameters: 8e9 }, parallelism: { tensor: 2, pipeline: 4 } })
    expect(memory.parametersBytes).toBe(2e9)
  })

  it('grow with every layer', () => {
    fc.assert(
      fc.property(anyShape, anyParallelism, (shape, parallelism) => {
        const plan = planOf({ parallelism })
        const more = { ...shape, layers: shape.layers + plan.pipeline }
        for (const [index, stage] of endStages(shape, plan).entries())
          expect(endStages(more, plan)[index]?.deviceParameters).toBeGreaterThan(stage.deviceParameters)
      }),
    )
  })
})

describe('the whole memory of a device', () => {
  // Interleaved chunks hold more micro-batches with more stages, and the first two replicas of DistributedDataParallel buckets.
  it.each(['tensor', 'pipeline', 'data', 'context'] as const)(
    'falls weakly with twice the %s parallel degree',
    degree => {
      fc.assert(
        fc.property(anyInput, given => {
          const parallelism = { ...given.parallelism, virtualStages: 1 }
          // Stages of as many layers each, as an uneven cut holds more; no dropout, as each micro-batch in flight has a mask.
          const model = {
            ...given.model,
            biases: false,
            dropout: false,
            layers: 16 * Math.ceil((given.model?.layers ?? 1) / 16),
          }
          const input = { ...given, model, framework: 'megatron', parallelism }
          const more = { ...input, parallelism: { ...parallelism, [degree]: 2 * (parallelism[degree] ?? 1) } }
          const before = predict(input).memory.totalBytes ?? NaN
          expect(predict(more).memory.totalBytes).toBeLessThanOrEqual(before * (1 + 1e-9))
        }),
        { numRuns: 300 },
      )
    },
  )

  it('is the sum of its parts', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const { memory } = predict(input)
        const { parametersBytes = NaN, gradientsBytes = NaN, optimizerBytes = NaN } = memory
        const rest = (memory.activationsBytes ?? NaN) + (memory.buffersBytes ?? NaN)
        expect(parametersBytes + gradientsBytes + optimizerBytes + rest).toBe(memory.totalBytes)
      }),
    )
  })

  // What was seen on the device holds context, workspaces and fragmentation too: the prediction is to stay below it, and near.
  it.each<[string, number, PredictInput]>([
    // nvidia-smi of BLOOM's nodes, 59 GB (bigscience, tr11-176B-ml).
    [
      'BLOOM on 384 A100',
      59e9,
      {
        framework: 'megatron',
        model: shapeOf('bloom-176b'),
        precision: 'bf16',
        recompute: 'full',
        parallelism: { tensor: 4, pipeline: 12, data: 8, zeroStage: 1 },
        batch: { micro: 2, global: 2048 },
      },
    ],
    // torchtitan, llama3_h100_202412: reserved memory; with sequence parallelism full recomputation keeps a part of each input.
    [
      'Llama 3.1 70B on 256 H100',
      67.6 * 1024 ** 3,
      {
        framework: 'torchtitan',
        model: shapeOf('llama-3-70b'),
        precision: 'bf16',
        recompute: 'full',
        parallelism: { tensor: 8, data: 32, zeroStage: 3, sequenceParallel: true },
        batch: { micro: 16, global: 512 },
      },
    ],
    [
      'Llama 3.1 8B with 32 k tokens on 8 H100',
      83.9 * 1024 ** 3,
      {
        framework: 'torchtitan',
        precision: 'bf16',
        recompute: 'full',
        batch: { micro: 1, global: 8 },
        model: { ...shapeOf('llama-3-8b'), sequenceLength: 32_768 },
        parallelism: { data: 8, zeroStage: 3 },
      },
    ],
  ])('of %s is between half and all of what was seen', (_, seen, input) => {
    const { totalBytes = NaN } = predict(input).memory
    expect(totalBytes / seen).toBeGreaterThan(0.5)
    expect(totalBytes / seen).toBeLessThan(1)
  })
})

describe('weights in fewer bits', () => {
  const job = { model: { parameters: 7e9 }, precision: 'bf16', optimizer: 'adamw', batch: { micro: 1, global: 1 } }
  const bytes = (input: object) => {
    const { parametersBytes = NaN, gradientsBytes = NaN, optimizerBytes = NaN } = predict({ ...job, ...input }).memory
    return [parametersBytes, gradientsBytes, optimizerBytes].map(one => one / 7e9)
  }

  it('without a master copy: 2 + 2 + 4 bytes a parameter, as moments are kept in 16 bits', () => {
    expect(bytes({})).toEqual([2, 2, 12])
    expect(bytes({ masterCopy: false })).toEqual([2, 2, 4])
    expect(bytes({ masterCopy: false, optimizer: 'adam8bit' })).toEqual([2, 2, 2])
    expect(bytes({ masterCopy: false, precision: 'fp32' })).toEqual([4, 4, 8])
  })

  it('frozen and packed (QLoRA): half a byte for each of them, states for what is trained alone', () => {
    const model = { parameters: 7e9, trainableParameters: 7e7 }
    const [parameters, gradients, optimizer] = bytes({ model, frozenPrecision: 'int4' })
    expect(parameters).toBeCloseTo(0.99 * 0.5 + 0.01 * 2, 9)
    expect(gradients).toBeCloseTo(0.02, 9)
    expect(optimizer).toBeCloseTo(0.12, 9)
    expect(bytes({ model })[0]).toBe(2)
  })
})
