import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkConfig } from '../../cli/predict-config'
import { applyFlags } from '../../cli/predict-flags'
import { gpus } from '../../math/gpus'
import { predict, type Prediction } from '../../math/predict'
import { findPreset, presets } from '../../math/presets'
import { ROOT } from '../plumbline'

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}
/** `plumbline predict` as a process; `input` is what it finds on standard input. */
function run(args: readonly string[], input = ''): Promise<Ended> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      [join(ROOT, 'bin/plumbline.js'), 'predict', ...args],
      { cwd: ROOT },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
    child.stdin?.end(input)
  })
}
const json = async (args: readonly string[], input?: string) => {
  const { code, stdout, stderr } = await run([...args, '--json'], input)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as Prediction
}

const WHOLE = [
  'llama-3-8b',
  '--gpu',
  'h100-sxm',
  '--count',
  '8',
  '--micro',
  '1',
  '--global',
  '64',
  '--precision',
  'bf16',
]
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-predict-'))
  // The first call builds the command line where its sources have changed.
  await run(['--help'])
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

describe('plumbline predict', () => {
  it('of a preset prints figures with formula, numbers and source, then what it took for granted', async () => {
    const { code, stdout, stderr } = await run(WHOLE)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^parameters +8\.03 G\n {4}L·\(.*\n {4}= 32·\(2·4096·32·128 .*\n {4}LLaMA \(Touvron et al\. 2023\)$/m,
    )
    expect(stdout).toMatch(/^memory\.optimizerBytes +89\.7 GiB\n {4}S·x\n {4}= 8030261248·12\n {4}ZeRO/m)
    expect(stdout).toMatch(/^step\.seconds +\d/m)
    expect(stdout).toMatch(/^peak: H100 SXM dense bf16 989 TFLOP\/s$/m)
    expect(stdout).toMatch(/^assumed:\n {2}\S/m)
    expect(stdout).not.toMatch(/missing:|undefined|NaN/)
  })

  it('counts as another calculator does when it is asked to, and sets all beside each other', async () => {
    const own = await json(['llama-3-8b'])
    const titan = await json(['llama-3-8b', '--conventions', 'torchtitan'])
    expect(titan.flops.perToken).toBeLessThan(own.flops.perToken ?? NaN)
    const { code, stdout } = await run(['llama-3-8b', '--compare'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^flopsPerToken\n(.*\n)* {2}megatron {2,}51\.5 GFLOP/m)
    const wrong = await run(['gpt2', '--conventions', 'nobody'])
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(wrong.stderr).toMatch(/^error: --conventions: is no known convention/)
  })

  it('reads a model from the config.json of Hugging Face', async () => {
    const config = {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_size: 4096,
      intermediate_size: 14336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      vocab_size: 128256,
      max_position_embeddings: 8192,
      tie_word_embeddings: false,
      torch_dtype: 'bfloat16',
    }
    expect((await json(['-'], JSON.stringify(config))).parameters).toBe(8_030_261_248)
  })

  it('reads the job of a training log: a Megatron dump of arguments, a torchtitan configuration', async () => {
    const logs = join(ROOT, 'test/fixtures/logs')
    const megatron = await json([join(logs, 'megatron/core.log'), '--gpu', 'h100-sxm'])
    expect(megatron.parameters).toBeGreaterThan(1e9)
    expect(megatron.flops.perStep).toBeGreaterThan(1e15)
    const titan = await json([join(logs, 'torchtitan/llama3.log')])
    expect(titan.parameters).toBe(8_030_261_248)
  })

  it('finds the fastest plans that fit, and says when none does', async () => {
    const fits = await run(['llama-3-8b', '--gpu', 'h100-sxm', '--count', '8', '--global', '64', '--search'])
    expect(fits.code).toBe(0)
    expect(fits.stdout).toMatch(/^\d+ of \d+ plans fit; the fastest:\n\ntensor +pipeline/)
    const none = await run(['llama-3-405b', '--gpu', 'h100-sxm', '--count', '8', '--global', '64', '--search'])
    expect(none.code).toBe(1)
    expect(none.stdout).toMatch(/^none of \d+ plans fits; the one that misses by least:/)
    const open = await run(['gpt2', '--search'])
    expect(open.code).toBe(2)
    expect(open.stderr).toContain('fix: give it with --count')
  })

  it('says what is missing for the rest', async () => {
    const { code, stdout } = await run(['gpt2'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^missing:\n(.*\n)* {2}memory\.totalBytes needs batch\.micro$/m)
    expect(stdout).toMatch(/^ {2}step\.seconds needs hardware, batch\.global$/m)
    const nothing = await run(['-'], '{}')
    expect(nothing.stdout).toContain('parameters needs model.layers')
  })

  it('prints the prediction itself as JSON', async () => {
    const prediction = await json(WHOLE)
    const input = {
      model: findPreset('llama-3-8b')?.model,
      batch: { micro: 1, global: 64 },
      precision: 'bf16',
      hardware: { gpu: 'h100-sxm', count: 8 },
    }
    expect(prediction).toEqual(predict(input))
    expect(Object.keys(prediction)).toEqual(
      expect.arrayContaining(['parameters', 'flops', 'memory', 'communication', 'step', 'explain']),
    )
  })

  it('lists presets and GPUs, as text and as JSON', async () => {
    const text = await run(['--list'])
    expect(text.code).toBe(0)
    for (const name of [...presets.names, ...gpus.names]) expect(text.stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'))
    const parsed = JSON.parse((await run(['--list', '--json'])).stdout) as Record<string, { name: string }[]>
    expect(parsed['presets']?.map(({ name }) => name)).toEqual(presets.names)
    expect(parsed['gpus']?.map(({ name }) => name)).toEqual(gpus.names)
  })

  it('shows its flags in its help', async () => {
    const { code, stdout } = await run(['--help'])
    expect(code).toBe(0)
    for (const flag of ['--list', '--gpu', '--zero', '--sequence-parallel', '--recompute', '--json'])
      expect(stdout).toContain(flag)
  })
})

describe('a config', () => {
  const config = { model: 'gpt2', batch: { micro: 4, global: 32 }, hardware: { gpu: 'a100', count: 8 } }

  it('is read from JSON, from YAML and from standard input alike', async () => {
    const yaml = 'model: gpt2\nbatch: {micro: 4, global: 32}\nhardware:\n  gpu: a100\n  count: 8\n'
    const [first, second, third] = await Promise.all([
      json([await file('config.json', JSON.stringify(config))]),
      json([await file('config.yaml', yaml)]),
      json(['-'], JSON.stringify(config)),
    ])
    expect(first.parameters).toBe(124_439_808)
    expect(second).toEqual(first)
    expect(third).toEqual(first)
  })

  it('yields to flags, even where it is at odds with itself or with our table', async () => {
    const logged = { ...config, parallelism: { worldSize: 8, tensor: 3 }, hardware: { gpu: 'NVIDIA L40', count: 8 } }
    const path = await file('logged.json', JSON.stringify(logged))
    const { peak, communication } = await json([path, '--gpu', 'l40s', '--tensor', '2', '--count', '16', '--flash'])
    expect(peak?.title).toContain('L40S')
    expect(communication.byPurpose.map(({ purpose, group }) => [purpose, group])).toEqual([
      ['data', 8],
      ['tensor', 2],
    ])
    const given = await json([path, '--peak', '181e12', '--tensor', '2'])
    expect(given.peak?.flopsPerSecond).toBe(181e12)
  })

  it('may be any that a log of a framework gave', async () => {
    const logs = join(ROOT, 'test/fixtures/logs')
    const records: { framework?: string }[] = []
    for (const name of await readdir(logs, { recursive: true })) {
      if (!name.endsWith('.jsonl')) continue
      const lines = (await readFile(join(logs, name), 'utf8')).split('\n').filter(Boolean)
      const read = lines.map(line => JSON.parse(line) as { kind: string; framework?: string })
      records.push(...read.filter(({ kind }) => kind === 'config'))
    }
    expect(records.length).toBeGreaterThan(10)
    for (const record of records) expect(predict(checkConfig(record, 'a log'))).toHaveProperty('explain')
    const { code } = await run(['-'], JSON.stringify(records.find(({ framework }) => framework === 'megatron')))
    expect(code).toBe(0)
  })

  it('takes every flag to its field', () => {
    const options = {
      gpu: 'a100',
      count: '4',
      peak: '1e14',
      network: '5e10',
      link: '3e11',
      micro: '2',
      global: '16',
      sequence: '512',
      tensor: '2',
      pipeline: '2',
      virtual: '3',
      dataParallel: '1',
      context: '1',
      expert: '1',
      zero: '1',
      sequenceParallel: true,
      precision: 'fp16',
      gradientPrecision: 'fp32',
      optimizer: 'lion',
      recompute: 'full',
      framework: 'megatron',
      attention: 'causal',
      flash: true,
    }
    expect(applyFlags({ batch: { micro: 9, global: 9 } }, options)).toEqual({
      hardware: {
        gpu: 'a100',
        count: 4,
        peakFlopsPerSecond: 1e14,
        networkBytesPerSecond: 5e10,
        linkBytesPerSecond: 3e11,
      },
      batch: { micro: 2, global: 16 },
      model: { sequenceLength: 512 },
      parallelism: {
        tensor: 2,
        pipeline: 2,
        virtualStages: 3,
        data: 1,
        context: 1,
        expert: 1,
        zeroStage: 1,
        sequenceParallel: true,
      },
      precision: 'fp16',
      gradientPrecision: 'fp32',
      optimizer: 'lion',
      recompute: 'full',
      framework: 'megatron',
      attention: 'causal',
      flashAttention: true,
    })
  })
})

describe('wrong usage ends with 2, says what is wrong and what to do', () => {
  it.each<[string, readonly string[], RegExp, RegExp]>([
    ['nothing to predict', [], /^predict needs a config$/, /--list/],
    ['two configs', ['gpt2', 'gpt2'], /^too many arguments/, /predict --help/],
    ['a name that is no preset and no file', ['gpt-5'], /^there is no preset "gpt-5", and no such file/, /--list/],
    ['a folder', ['.'], /EISDIR/, /--list/],
    ['an unknown flag', ['gpt2', '--nope'], /^unknown option '--nope'/, /predict --help/],
    ['a flag without its value', ['gpt2', '--micro'], /argument missing/, /predict --help/],
    ['a flag that is no number', ['gpt2', '--micro', 'two'], /^--micro: "two" is not a number$/, /micro-batch/],
    ['a flag that is empty', ['gpt2', '--micro', ''], /^--micro: "" is not a number$/, /micro-batch/],
    ['a negative batch', ['gpt2', '--micro', '-2'], /^--micro: Too small/, /micro-batch/],
    ['half a tensor rank', ['gpt2', '--tensor', '1.5'], /^--tensor: .*int/, /tensor parallel degree/],
    ['a ZeRO stage that is none', ['gpt2', '--zero', '4'], /^--zero: Too big/, /0 to 3/],
    ['an unknown precision', ['gpt2', '--precision', 'int4'], /^--precision: is no known precision/, /bf16/],
    ['a name that objects have', ['gpt2', '--precision', 'constructor'], /^--precision: is no known precision/, /bf16/],
    ['an unknown optimizer', ['gpt2', '--optimizer', 'sophia'], /^--optimizer: is no known optimizer/, /adamw/],
    ['an unknown policy', ['gpt2', '--recompute', 'some'], /^--recompute: Invalid option/, /selective/],
    ['half of attention', ['gpt2', '--attention', 'half'], /^--attention: Invalid option/, /causal/],
    ['an unknown GPU', ['gpt2', '--gpu', 'abacus'], /^hardware\.gpu: "abacus" is not known$/, /--peak.*h100-sxm/],
    [
      'degrees that make no whole number of replicas',
      ['gpt2', '--count', '6', '--tensor', '4'],
      /^parallelism: tensor 4 × pipeline 1 × context 1 does not make 6 devices$/,
      /--count/,
    ],
  ])('%s', async (_, args, error, fix) => {
    const { code, stdout, stderr } = await run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const [first = '', second = '', ...rest] = stderr.trimEnd().split('\n')
    expect(first.replace(/^error: /, '')).toMatch(error)
    expect(second).toMatch(/^fix: /)
    expect(second).toMatch(fix)
    expect(rest).toEqual([])
  })

  it.each<[string, string, RegExp]>([
    ['a field that is not known', '{"model":{"layer":3}}', /^standard input: model: there is no field "layer"$/],
    [
      'heads that tensor ranks do not share',
      '{"model":{"attentionHeads":12},"parallelism":{"tensor":8}}',
      /12 cannot be divided by 8$/,
    ],
    [
      'chunks that layers do not fill',
      '{"model":{"layers":80},"parallelism":{"pipeline":8,"virtualStages":3}}',
      /80 layers cannot be divided into 8 × 3 chunks$/,
    ],
    [
      'a batch that replicas do not share',
      '{"batch":{"micro":3,"global":64},"parallelism":{"data":8}}',
      /64 sequences are no multiple of micro-batch 3 × data 8$/,
    ],
    ['a number that cannot be', '{"model":{"layers":-3}}', /^standard input: model\.layers: Too small/],
    ['a word for a number', '{"batch":{"micro":"2"}}', /^standard input: batch\.micro: Invalid input/],
    ['a preset that is none', '{"model":"gpt-5"}', /^model: there is no preset "gpt-5"$/],
    ['a list', '[1]', /^standard input holds no config$/],
    ['nothing', '', /^standard input holds no config$/],
    [
      'no JSON and no YAML',
      '{a: [',
      /^standard input is neither JSON nor YAML nor a log that says its configuration: /,
    ],
  ])('%s in a config', async (_, text, error) => {
    const { code, stdout, stderr } = await run(['-'], text)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const [first = '', second = ''] = stderr.trimEnd().split('\n')
    expect(first.replace(/^error: /, '')).toMatch(error)
    expect(second).toMatch(/^fix: .{5}/)
  })
})
