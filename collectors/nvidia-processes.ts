/** Processes that hold memory of NVIDIA devices, neighbours of the job among them, from one long-lived `nvidia-smi`. */
import { defineCollector, type Availability } from './collector'
import { nvidiaSmiApps } from './forms/nvidia-smi-apps'
import type { Host } from './host'
import { complaintOf, runOnce } from './nvidia/stream'
import { ModeChild, type ModeReader } from './nvidia/mode-child'

const FIELDS = 'timestamp,gpu_uuid,pid,process_name,used_memory'
/** Processes come and go more slowly than figures do. */
const LEAST_EVERY_MS = 5_000
/** Seconds after the last line of a round at which it is whole: its lines come at once, the next round much later. */
const SETTLED_SECONDS = 1
/** Lines of a round that are kept: more than any node's devices hold processes. */
const MOST_LINES = 4096

async function detect(host: Host): Promise<Availability> {
  const help = await runOnce(host, ['--help-query-compute-apps'])
  if (/"used_(?:gpu_)?memory"/.test(help.stdout))
    return { available: true, detail: `nvidia-smi --query-compute-apps=${FIELDS}` }
  const complaint = complaintOf(help)
  // What does not know the question is no worse than that.
  if (complaint === undefined || complaint.type === 'failed' || complaint.type === 'ended')
    return { available: false, why: 'this nvidia-smi does not list processes', fix: 'update the driver' }
  return { available: false, why: complaint.message, fix: complaint.fix }
}

/** A device's processes of one round are told together. */
export function appsReader(): ModeReader {
  let titles = ''
  let round: string[] = []
  let lastAt = 0
  const records = () => {
    const lines = round
    round = []
    const read = lines.length === 0 ? undefined : nvidiaSmiApps.parse(`${titles}\n${lines.join('\n')}\n`)
    return (read?.records ?? []).flatMap(record => (record.kind === 'gpu' ? [record] : []))
  }
  return {
    line(text, now) {
      if (text.startsWith('timestamp,')) {
        titles = text
        return []
      }
      if (titles === '' || !/^\d{4}\/\d\d\/\d\d /.test(text)) return undefined
      const before = now - lastAt > SETTLED_SECONDS ? records() : []
      if (round.length < MOST_LINES) round.push(text)
      lastAt = now
      return before
    },
    settle: now => (round.length > 0 && now - lastAt > SETTLED_SECONDS ? records() : []),
    isVain: false,
  }
}

export const nvidiaProcesses = defineCollector({
  name: 'nvidia-processes',
  help: 'processes that hold memory of NVIDIA devices, those of others included',
  scope: 'node',
  // Where nothing runs nothing is printed.
  quiet: true,
  everyMs: () => 2_000,
  timeoutMs: 15_000,
  detect: host => detect(host),
  open(context) {
    const every = Math.max(LEAST_EVERY_MS, context.settings.intervalMs)
    const args = [`--query-compute-apps=${FIELDS}`, '--format=csv', `--loop-ms=${every}`]
    return Promise.resolve(new ModeChild(context, args, appsReader))
  },
})
