/** Folders of trackers as files to read, and the frames that their files are made of. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inputsOf } from '../../cli/run-folder'
import { eventFrames } from '../../collectors/tracking/event-file'
import { wandbRecords } from '../../collectors/tracking/wandb-file'

const fixtures = join(import.meta.dirname, '../fixtures/forms')
const WANDB = join(fixtures, 'wandb-run/run-iwdgoccf.wandb')
const EVENTS = join(fixtures, 'tensorboard-events/events.out.tfevents.1795744809.node1.25792.0')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-run-folder-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function place(file: string, from: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  cpSync(from, join(folder, file))
}
function put(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
}
const named = async (path: string) =>
  (await inputsOf(join(folder, path), process.stdin)).map(({ name }) => name.slice(folder.length + 1))

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts).toString('utf8')
}

describe('the folder of a tracker', () => {
  it('is the one file of a Weights & Biases run, though a link shows it twice', async () => {
    place('one/wandb/offline-run-1/run-a.wandb', WANDB)
    put('one/wandb/offline-run-1/files/output.log', 'what the file has as well\n')
    symlinkSync('offline-run-1', join(folder, 'one/wandb/latest-run'))
    expect(await named('one')).toEqual(['one/wandb/offline-run-1/run-a.wandb'])
  })

  it('is said to hold several runs, by name', async () => {
    place('two/wandb/run-1/run-a.wandb', WANDB)
    place('two/wandb/run-2/run-b.wandb', WANDB)
    await expect(named('two')).rejects.toMatchObject({
      message: `2 runs of Weights & Biases in ${join(folder, 'two')}`,
      fix: `name one: ${join(folder, 'two/wandb/run-1')}, ${join(folder, 'two/wandb/run-2')}`,
    })
  })

  it('is all event files of one writer of TensorBoard, without those of the held-out data', async () => {
    place('logs/train/events.out.tfevents.1.node1.1.0', EVENTS)
    place('logs/train/events.out.tfevents.2.node1.1.0', EVENTS)
    place('logs/validation/events.out.tfevents.1.node1.1.1', EVENTS)
    expect(await named('logs')).toEqual([
      'logs/train/events.out.tfevents.1.node1.1.0',
      'logs/train/events.out.tfevents.2.node1.1.0',
    ])
  })

  it('is one text of a run of MLflow, as grep prints it', async () => {
    put('mlruns/0/abc/metrics/train/loss', '1764200005000 10.0 10\n1764200010000 5.0 20\n')
    put('mlruns/0/abc/params/hidden_size', '4096')
    put('mlruns/0/abc/meta.yaml', 'run_name: quick-fox\nstatus: 3\n')
    put('mlruns/0/meta.yaml', 'name: Default\n')
    const inputs = await inputsOf(join(folder, 'mlruns'), process.stdin)
    expect(await Promise.all(inputs.map(({ chunks }) => textOf(chunks())))).toEqual([
      [
        'metrics/train/loss:1764200005000 10.0 10',
        'metrics/train/loss:1764200010000 5.0 20',
        'params/hidden_size:4096',
        'meta.yaml:run_name: quick-fox',
        'meta.yaml:status: 3',
        '',
      ].join('\n'),
    ])
  })

  it('is an error where no tracker wrote it', async () => {
    put('other/notes.txt', 'hello')
    await expect(named('other')).rejects.toMatchObject({ fix: 'name the files in it' })
  })
})

async function* whole(bytes: Buffer) {
  yield await Promise.resolve(bytes)
}
async function framesOf(frames: AsyncIterable<Buffer | undefined>): Promise<(number | undefined)[]> {
  const lengths: (number | undefined)[] = []
  for await (const frame of frames) lengths.push(frame?.length)
  return lengths
}
function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(bytes.readUInt8(at) ^ 0x40, at)
  return copy
}

describe('damage', () => {
  it('of an event costs that event; of its length the rest of the file', async () => {
    const bytes = readFileSync(EVENTS)
    const sound = await framesOf(eventFrames(whole(bytes)))
    expect(sound).not.toContain(undefined)
    const inData = await framesOf(eventFrames(whole(flipped(bytes, 20))))
    expect(inData).toEqual([undefined, ...sound.slice(1)])
    expect(await framesOf(eventFrames(whole(flipped(bytes, 2))))).toEqual([undefined])
  })

  it('of a block of W&B costs the rest of the block; the next is read', async () => {
    const bytes = readFileSync(WANDB)
    const sound = await framesOf(wandbRecords(whole(bytes)))
    expect(sound).not.toContain(undefined)
    const damaged = await framesOf(wandbRecords(whole(flipped(bytes, 20))))
    expect(damaged[0]).toBeUndefined()
    expect(damaged.length).toBeGreaterThan(2)
    expect(damaged.at(-1)).toBe(sound.at(-1))
  })
})
