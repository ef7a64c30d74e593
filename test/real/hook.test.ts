import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createLogReader } from '../../collectors/logs/read'
import type { RecordOf, WireRecord } from '../../wire/records'
import { freePort, ROOT } from '../plumbline'
import { hasModule, hasTorch, PYTHON, pythonPath } from './torch'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-hook-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let runs = 0
function python(args: readonly string[]) {
  runs += 1
  const hookFolder = join(folder, `run-${runs}`)
  const environment = { PYTHONPATH: pythonPath, PLUMBLINE_HOOK_DIR: hookFolder, PLUMBLINE_RUN: 'a-run' }
  const { status, stdout, stderr } = spawnSync(PYTHON, args, {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  })
  const recordsOf = (rank: number): WireRecord[] => {
    const reader = createLogReader()
    const records = [...reader.push(readFileSync(join(hookFolder, `rank-${rank}.jsonl`))), ...reader.end()]
    expect(reader.counts.linesUnread).toBe(0)
    return records
  }
  return { status, stdout, stderr, recordsOf }
}
/** Exit code of one rank of two. */
function launched(code: string, rank: Readonly<Record<string, string>>, hookFolder: string): Promise<number | null> {
  const env = {
    ...process.env,
    PYTHONPATH: pythonPath,
    PLUMBLINE_HOOK_DIR: hookFolder,
    WORLD_SIZE: '2',
    MASTER_ADDR: '127.0.0.1',
  }
  const child = spawn(PYTHON, ['-c', code], { env: { ...env, ...rank }, stdio: 'inherit' })
  return new Promise(resolve => child.once('exit', resolve))
}
const stepsOf = (records: readonly WireRecord[]) =>
  records.filter((record): record is RecordOf<'step'> => record.kind === 'step')
const seconds = (step: RecordOf<'step'> | undefined, phase: string) => step?.phases?.[phase]?.seconds ?? 0

/** A model that takes 20 ms forward, three micro-batches a step, an evaluation of 40 ms between the steps. */
const ACCUMULATION = `
import time, torch, plumbline_hook
class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)
    def forward(self, x):
        time.sleep(0.02)
        return self.layer(x)
model = Slow()
optimizer = torch.optim.AdamW(model.parameters())
hook = plumbline_hook.attach(model, optimizer)
for step in range(4):
    for micro in range(3):
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(torch.ones(2, 4)).sum()
        loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    with torch.no_grad():
        model(torch.ones(2, 4)); model(torch.ones(2, 4))
`

/** Connections of others must stay as they are, whatever the script has set for sockets of its own. */
const SOCKETS = `
import os, socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
socket.setdefaulttimeout(5)
import plumbline_hook
flows = plumbline_hook._Flows()
print(os.get_blocking(client.fileno()), flows.take(True), os.get_blocking(client.fileno()))
address = plumbline_hook._address(plumbline_hook.LIBRARY.getpeername, client.fileno())
state = plumbline_hook._tcp_info(client.fileno(), flows.LAYOUT.size)[0]
print(address, state == flows.ESTABLISHED, os.get_blocking(client.fileno()))
`

const RESUMED = `
import torch, plumbline_hook
model = torch.nn.Linear(4, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with plumbline_hook.attach(model, optimizer, first_step=1234):
    for _ in range(2):
        model(torch.ones(1, 4)).sum().backward()
        optimizer.step()
`

describe.skipIf(!hasTorch)('the hook in torch', () => {
  it('reads connections without touching them', () => {
    const { status, stdout, stderr } = python(['-c', SOCKETS])
    expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: 'True [] True\n127.0.0.1 True True\n' })
  })

  it('adds up micro-batches, and counts an evaluation as no forward pass', () => {
    const script = join(folder, 'accumulation.py')
    writeFileSync(script, ACCUMULATION)
    const { status, stderr, recordsOf } = python([script])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const records = recordsOf(0)
    // Its weights are in fp32, and its forward passes under autocast.
    const configs = records.filter((record): record is RecordOf<'config'> => record.kind === 'config')
    expect(configs.map(({ precision }) => precision)).toEqual(['fp32', 'bf16'])
    const steps = stepsOf(records)
    expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3])
    for (const step of steps.slice(1)) {
      expect(seconds(step, 'forward')).toBeGreaterThanOrEqual(0.06)
      expect(seconds(step, 'data')).toBeGreaterThanOrEqual(0.04)
      // The phases are the step, nothing twice and nothing left out.
      const sum = Object.keys(step.phases ?? {}).reduce((total, name) => total + seconds(step, name), 0)
      expect(sum).toBeCloseTo(step.stepSeconds ?? NaN, 4)
    }
    expect(steps[3]?.memoryCategories).toMatchObject({ parameters: 80, gradients: 80 })
  })

  it('looks at what a rank has in the first steps of a resumed job too', () => {
    const { status, stderr, recordsOf } = python(['-c', RESUMED])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const steps = stepsOf(recordsOf(0))
    expect(steps.map(({ step, memoryCategories }) => [step, memoryCategories?.['parameters']])).toEqual([
      [1234, 80],
      [1235, 80],
    ])
  })

  it('sees the buckets of DistributedDataParallel on every rank, and the configuration once', () => {
    const { status, recordsOf } = python([
      join(ROOT, 'examples/train.py'),
      ...['--launch', '2', '--steps', '6', '--sync', 'ddp'],
    ])
    expect(status).toBe(0)
    for (const rank of [0, 1]) {
      const steps = stepsOf(recordsOf(rank))
      expect(steps).toHaveLength(6)
      for (const step of steps) expect(seconds(step, 'communication')).toBeGreaterThan(0)
    }
    const configs = [0, 1].map(rank => recordsOf(rank).filter(record => record.kind === 'config'))
    // What the first pass showed is added to what the model is.
    expect(configs).toMatchObject([[{ model: { layers: 4 } }, { model: { layers: 4, fusedAttention: false } }], []])
  })

  it('leaves the arithmetic of the job as it is', () => {
    const losses = ['--no-hook', '--sync'].map(flag => {
      const truth = join(folder, `truth${flag}`)
      const args = ['--launch', '2', '--steps', '5', '--sync', 'ddp', '--truth', truth]
      const { status } = python([
        join(ROOT, 'examples/train.py'),
        ...args,
        ...(flag === '--no-hook' ? ['--no-hook'] : []),
      ])
      expect(status).toBe(0)
      return (JSON.parse(readFileSync(join(truth, 'rank-0.json'), 'utf8')) as { steps: { loss: number }[] }).steps.map(
        ({ loss }) => loss,
      )
    })
    expect(losses[0]).toEqual(losses[1])
  })
})

/** Eight sequences of 16 tokens a step, in two micro-batches. */
const TRAINER = `
import sys, torch, plumbline_hook
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments
torch.manual_seed(0)
size = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=64)
class Data(torch.utils.data.Dataset):
    def __len__(self): return 64
    def __getitem__(self, place):
        ids = torch.randint(0, 64, (16,))
        return {"input_ids": ids, "labels": ids}
args = TrainingArguments(output_dir=sys.argv[1], max_steps=4, per_device_train_batch_size=4, gradient_accumulation_steps=2,
                         logging_steps=1, report_to=[], use_cpu=True, save_strategy="no", disable_tqdm=True)
Trainer(model=LlamaForCausalLM(LlamaConfig(**size)), args=args, train_dataset=Data(), callbacks=[plumbline_hook.trainer_callback()]).train()
`

describe.skipIf(!hasModule('transformers.trainer'))('the hook in the Trainer of Hugging Face', () => {
  it('tells of steps, tokens, loss and the model without being told', () => {
    const script = join(folder, 'trainer.py')
    writeFileSync(script, TRAINER)
    const { status, stderr, recordsOf } = python([script, join(folder, 'out')])
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const records = recordsOf(0)
    const steps = stepsOf(records)
    expect(steps.map(({ step, tokens, totalSteps }) => ({ step, tokens, totalSteps }))).toEqual(
      [0, 1, 2, 3].map(step => ({ step, tokens: 128, totalSteps: 4 })),
    )
    for (const step of steps) {
      expect(step.loss).toBeGreaterThan(1)
      expect(step.gradientNorm).toBeGreaterThan(0)
      for (const phase of ['forward', 'backward', 'optimizer']) expect(seconds(step, phase)).toBeGreaterThan(0)
    }
    expect(records.find(({ kind }) => kind === 'config')).toMatchObject({
      model: { layers: 2, hiddenSize: 32, attentionHeads: 4, keyValueHeads: 2, ffnHiddenSize: 64, vocabularySize: 64 },
      batch: { micro: 4, global: 8 },
      optimizer: 'adamw',
    })
  })
})

/** A forward pass of 20 ms and a backward pass of 40 ms, two of each a step. */
const LIGHTNING = `
import time, torch, plumbline_hook
import lightning
class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 8)
    def training_step(self, batch, place):
        time.sleep(0.02)
        loss = (self.layer(batch[0]) ** 2).mean()
        loss.register_hook(lambda gradient: time.sleep(0.04))
        return loss
    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters())
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(64, 8)), batch_size=4)
lightning.Trainer(max_steps=3, accumulate_grad_batches=2, accelerator="cpu", logger=False, enable_checkpointing=False,
                  enable_progress_bar=False, enable_model_summary=False,
                  callbacks=[plumbline_hook.lightning_callback(tokens_per_step=64)]).fit(Module(), data)
`

describe.skipIf(!hasModule('lightning'))('the hook in Lightning', () => {
  it('tells the passes apart, though the optimizer runs them', () => {
    const script = join(folder, 'with-lightning.py')
    writeFileSync(script, LIGHTNING)
    const { status, stderr, recordsOf } = python([script])
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const steps = stepsOf(recordsOf(0))
    expect(steps.map(({ step, tokens }) => ({ step, tokens }))).toEqual([0, 1, 2].map(step => ({ step, tokens: 64 })))
    for (const step of steps) {
      expect(step.loss).toBeGreaterThan(0)
      expect(seconds(step, 'forward')).toBeGreaterThan(0.04)
      expect(seconds(step, 'backward')).toBeGreaterThan(0.08)
      expect(seconds(step, 'optimizer')).toBeGreaterThan(0)
    }
  })
})

const JAX = `
import jax, jax.numpy as jnp, plumbline_hook
step = jax.jit(lambda w, x: (w * 0.99, ((x @ w) ** 2).mean()))
weights, data = jnp.ones((32, 32)), jnp.ones((8, 32))
with plumbline_hook.attach(tokens_per_step=8, rank=jax.process_index(), world_size=jax.process_count()) as hook:
    for _ in range(3):
        with hook.phase("compute"):
            weights, loss = step(weights, data)
            loss.block_until_ready()
        hook.end_step()
        hook.log(loss=float(loss))
`

describe.skipIf(!hasModule('jax'))('the hook in JAX', () => {
  it('records the steps that it is told of', () => {
    const { status, stderr, recordsOf } = python(['-c', JAX])
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const steps = stepsOf(recordsOf(0))
    expect(steps.map(({ step, tokens }) => ({ step, tokens }))).toEqual([0, 1, 2].map(step => ({ step, tokens: 8 })))
    for (const step of steps) expect(seconds(step, 'compute')).toBeGreaterThan(0)
  })
})

/** Two stages: activations go on, gradients come back; the second is 30 ms late. Functions were taken before and after. */
const STAGES = `
import time, torch, torch.distributed as dist
from torch.distributed import isend, irecv, P2POp
import plumbline_hook
dist.init_process_group("gloo")
rank, model = dist.get_rank(), torch.nn.Linear(64, 64)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
one = torch.ones(1)
message = isend(one, 1) if rank == 0 else irecv(one, 0)
message.wait()
kind = type(message)
hook = plumbline_hook.attach(model, optimizer)
for step in range(3):
    sent, received = torch.full((64,), float(rank + 1)), torch.zeros(64)
    time.sleep(0.2 * rank)
    model(sent).sum().backward()
    works = dist.batch_isend_irecv([P2POp(dist.isend, sent, 1 - rank), dist.P2POp(irecv, received, 1 - rank)])
    for work in works:
        assert isinstance(work, kind), work
        work.wait()
    assert received.eq(2.0 - rank).all(), received
    whole = torch.ones(4)
    work = dist.all_reduce(whole, async_op=True)
    # So FSDP finds out whether it has to wait.
    assert isinstance(work, getattr(dist.distributed_c10d, "Work", object))
    work.wait()
    assert whole.eq(2).all()
    optimizer.step()
    optimizer.zero_grad()
hook.close()
`

/** What of two ranks one has told. */
async function ofTwo(code: string, name: string): Promise<readonly (readonly WireRecord[])[]> {
  const port = String(await freePort())
  const hookFolder = join(folder, name)
  const ended = await Promise.all(
    ['0', '1'].map(rank => launched(code, { RANK: rank, LOCAL_RANK: rank, MASTER_PORT: port }, hookFolder)),
  )
  expect(ended).toEqual([0, 0])
  return [0, 1].map(rank => {
    const reader = createLogReader()
    return [...reader.push(readFileSync(join(hookFolder, `rank-${rank}.jsonl`))), ...reader.end()]
  })
}

describe.skipIf(!hasTorch)('the hook between the stages of a pipeline', () => {
  it('sees messages that are sent and received together, and leaves what torch compares alike', async () => {
    const [first = [], second = []] = await ofTwo(STAGES, 'stages')
    const messages = first.flatMap(record =>
      record.kind === 'collective' && record.step === 2
        ? [`${record.operation} ${record.group} ${record.bytes ?? '?'}`]
        : [],
    )
    expect(messages.toSorted()).toEqual(['all-reduce 0,1 16', 'recv 1>0 256', 'send 0>1 256'])
    const waited = (rank: readonly WireRecord[]) =>
      stepsOf(rank)
        .slice(1)
        .reduce((sum, step) => sum + seconds(step, 'communication'), 0)
    // The second comes 0.2 s late to each of two steps, whatever else the machine does meanwhile.
    expect(waited(first)).toBeGreaterThan(0.2)
    expect(waited(second)).toBeLessThan(0.2)
  })
})

const CHECK = join(import.meta.dirname, 'gpu/check.py')
const hasGpu = hasTorch && spawnSync(PYTHON, ['-c', 'import torch; assert torch.cuda.is_available()']).status === 0
if (!hasGpu) console.warn(`SKIPPED: ${PYTHON} sees no GPU; what the hook tells of one is held on a simulated device`)

describe.skipIf(!hasTorch)('the hook on a device that computes behind the program', () => {
  it.each(['ahead', 'overlap', 'gather'])('tells the device’s own times: %s', name => {
    const { status, stdout, stderr } = python([CHECK, name, '--simulated'])
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' })
  })

  it.skipIf(!hasGpu)('does so on a GPU', () => {
    const { status, stdout, stderr } = python([CHECK, 'all'])
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' })
  })
})

const SHARDED = `
import torch, torch.distributed as dist, plumbline_hook
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
dist.init_process_group("gloo")
mesh = init_device_mesh("cpu", (2,))
model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 64))
for layer in model:
    fully_shard(layer, mesh=mesh)
fully_shard(model, mesh=mesh)
optimizer = torch.optim.AdamW(model.parameters())
hook = plumbline_hook.attach(model, optimizer)
for _ in range(3):
    model(torch.ones(4, 64)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
hook.close()
dist.destroy_process_group()
`

describe.skipIf(!hasModule('torch.distributed.fsdp._fully_shard'))('the hook with sharded parameters', () => {
  it('sees the gathers and the scatters of fully_shard', async () => {
    const [, records = []] = await ofTwo(SHARDED, 'sharded')
    const operations = records.flatMap(record => (record.kind === 'collective' ? [record.operation] : []))
    expect(new Set(operations)).toEqual(new Set(['all-gather', 'reduce-scatter']))
    for (const step of stepsOf(records)) expect(seconds(step, 'communication')).toBeGreaterThan(0)
  })
})
