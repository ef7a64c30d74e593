/** Plays the recording: each rank's lines at the moments at which they came, times moved to now, run after run. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { unixSeconds } from '../../base/clock'
import { packageRoot } from '../../base/root'
import type { RecordOf } from '../../wire/records'

/** Seconds between the end of one run and the beginning of the next. */
const PAUSE_SECONDS = 15
const TICK_MS = 50
const HEARTBEAT_SECONDS = 5

interface Line {
  readonly file: string
  readonly time: number
  readonly record: Record<string, unknown>
}

/** The recorded lines in the order of their times. */
export function readRecording(folder = join(packageRoot, 'cli/demo/recording')): Line[] {
  const lines: Line[] = []
  for (const file of readdirSync(folder).filter(name => name.endsWith('.jsonl.gz'))) {
    for (const text of gunzipSync(readFileSync(join(folder, file)))
      .toString('utf8')
      .split('\n')) {
      if (text === '') continue
      const record = JSON.parse(text) as Record<string, unknown>
      lines.push({ file: file.slice(0, -3), time: Number(record['time']), record })
    }
  }
  return lines.sort((one, other) => one.time - other.time)
}

export class Player {
  private readonly lines = readRecording()
  private readonly timer = setInterval(() => this.tick(), TICK_MS)
  private run = ''
  private next = 0
  private offset = 0
  private heartbeatAt = 0
  private restartAt = 0

  constructor(
    private readonly folder: string,
    private readonly node: string,
    private readonly tell: (run: string, fields: Partial<RecordOf<'run'>>) => void,
  ) {}

  stop(): void {
    clearInterval(this.timer)
    if (this.run !== '') this.tell(this.run, { state: 'ended' })
  }

  private begin(now: number): void {
    this.run = `demo-${new Date(now * 1000).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}`
    this.next = 0
    this.offset = now - (this.lines[0]?.time ?? now)
    mkdirSync(join(this.folder, this.run), { recursive: true })
    this.tell(this.run, { state: 'started', command: 'python3 examples/train.py --launch 4' })
  }

  private tick(): void {
    const now = unixSeconds()
    if (this.run === '') {
      if (now < this.restartAt) return
      this.begin(now)
    }
    this.playUpTo(now)
    if (now - this.heartbeatAt > HEARTBEAT_SECONDS) {
      this.heartbeatAt = now
      this.tell(this.run, { state: 'running' })
    }
    if (this.next < this.lines.length) return
    this.tell(this.run, { state: 'ended', exitCode: 0 })
    this.run = ''
    this.restartAt = now + PAUSE_SECONDS
  }

  private playUpTo(now: number): void {
    for (
      let line = this.lines[this.next];
      line !== undefined && line.time + this.offset <= now;
      line = this.lines[this.next]
    ) {
      // The recorded processes are long gone: without their pids nobody looks for them.
      const node = 'node' in line.record ? { node: this.node, pid: undefined } : {}
      const record = { ...line.record, ...node, time: line.time + this.offset, run: this.run }
      appendFileSync(join(this.folder, this.run, line.file), `${JSON.stringify(record)}\n`)
      this.next += 1
    }
  }
}
