/** What the black box alone costs: an hour of what the agent sent, and of lines that a job prints, appended as fast as it goes. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BlackBox } from '../../agent/black-box'
import { encodeFrame } from '../../wire/frame'
import type { WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'

const SECONDS = 3600
const LINE = Buffer.from('step 1200 | loss 2.3141 | grad norm 0.812 | lr 2.9e-04 | 118,204 tokens/s | 41.2 % MFU\n')

function frameOf(records: readonly WireRecord[]): Buffer {
  const batch = new Batch()
  for (const record of records) batch.add(record)
  return encodeFrame(batch)
}

/** `batches` came in `seconds`. */
export function measureBlackBox(batches: readonly (readonly WireRecord[])[], seconds: number, folder: string): void {
  const frames = batches.filter(records => records.length > 0).map(frameOf)
  if (frames.length === 0) return
  const perSecond = frames.length / seconds
  let now = 0
  let written = 0
  const box = new BlackBox(folder, () => now)
  const before = process.cpuUsage()
  for (let at = 0; at < SECONDS * perSecond; at += 1) {
    now = at / perSecond
    const frame = frames[at % frames.length] ?? Buffer.alloc(0)
    box.output('stdout', LINE)
    box.append([frame])
    written += frame.length + LINE.length
  }
  const { user, system } = process.cpuUsage(before)
  const share = (user + system) / 1e6 / SECONDS
  const kept = readdirSync(folder).reduce((bytes, name) => bytes + statSync(join(folder, name)).size, 0)
  console.log(
    `black box: ${(100 * share).toFixed(3)} % of a processor, ${(written / SECONDS / 1000).toFixed(1)} kB/s written in ${perSecond.toFixed(1)} entries a second, ${(kept / 2 ** 20).toFixed(1)} MiB kept`,
  )
}
