/** Bytes to clean lines. Launchers, containers and terminals wrap what a training script prints; here it is unwrapped. */
import stripAnsi from 'strip-ansi'
import type { LogLine } from './format'
import { unglued } from './glue'
import { isoSeconds } from './values'

/** Bytes of one line that are kept; the rest of a longer one is dropped. */
export const MAX_LINE_BYTES = 1024 * 1024

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * Splits bytes into lines, whatever the cuts between chunks. A carriage return ends a line as a line feed does: a
 * progress bar that redraws itself then arrives as it is drawn, and what is printed between two drawings is not lost.
 * Empty lines are left out, so CR LF is one end of line. Bytes that are not UTF-8 become U+FFFD.
 */
export class LineSplitter {
  /** Bytes up to and including the last end of line. What follows is an unfinished line. */
  consumed = 0
  private held: Buffer[] = []
  private heldBytes = 0
  private openBytes = 0

  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let start = 0
    let feed = chunk.indexOf(LINE_FEED)
    let carriage = chunk.indexOf(CARRIAGE_RETURN)
    while (feed !== -1 || carriage !== -1) {
      const end = feed === -1 || (carriage !== -1 && carriage < feed) ? carriage : feed
      if (end > start) this.hold(chunk.subarray(start, end))
      this.consumed += this.openBytes + 1
      this.take(lines)
      start = end + 1
      if (end === feed) feed = chunk.indexOf(LINE_FEED, start)
      else carriage = chunk.indexOf(CARRIAGE_RETURN, start)
    }
    // A copy, so that an unfinished line does not keep the whole chunk alive.
    this.hold(Buffer.from(chunk.subarray(start)))
    return lines
  }

  /** The unfinished last line, now taken as finished. */
  end(): string[] {
    const lines: string[] = []
    this.consumed += this.openBytes
    this.take(lines)
    return lines
  }

  private hold(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.openBytes += bytes.length
    const room = MAX_LINE_BYTES - this.heldBytes
    if (room <= 0) return
    const kept = bytes.subarray(0, room)
    this.held.push(kept)
    this.heldBytes += kept.length
  }

  private take(lines: string[]): void {
    if (this.heldBytes > 0) {
      const [first] = this.held
      const bytes = this.held.length === 1 && first !== undefined ? first : Buffer.concat(this.held)
      lines.push(bytes.toString('utf8'))
    }
    this.held = []
    this.heldBytes = 0
    this.openBytes = 0
  }
}

interface Wrapping {
  text: string
  rank: number | undefined
  time: number | undefined
  host?: string | undefined
  program?: string | undefined
}

/** Prefixes by who puts them there. The first group is the rank where there is one; `time` marks a time stamp. */
const PREFIXES: readonly { readonly pattern: RegExp; readonly time?: true }[] = [
  // torchrun --tee: [default0]: or [ROLE0]:; PyTorch's own exceptions: [rank0]:
  { pattern: /^\[(?:default|rank|worker|trainer)(\d{1,6})\](?:: ?| (?=[A-Za-z{]))/ },
  // Torchelastic's on several nodes: [ROLE0|0]:, of which which is the rank is not said
  { pattern: /^\[(?:default|rank|worker|trainer)\d{1,6}\|\d{1,6}\]: ?/ },
  // [HOST:RANK]: of launchers that name the host as well
  { pattern: /^\[\w[\w.-]{0,127}:(\d{1,6})\]: ?/ },
  // Ray: (ACTOR pid=N) or (ACTOR, pid=N, ip=A), which is no rank
  { pattern: /^\([\w.:-]{1,100}(?:\([\w.:, -]{0,100}\))?,? pid=\d{1,10}(?:, ip=[\d.a-f:]{2,46})?\) ?/ },
  // TorchX and NeMo-Run: ROLE/REPLICA, which is no rank
  { pattern: /^[A-Za-z][\w.-]{0,63}\/\d{1,6} / },
  // mpirun --tag-output
  { pattern: /^\[\d{1,6},(\d{1,6})\]<std(?:out|err)>: ?/ },
  // mpirun -prepend-rank of MPICH and its heirs, where another prefix follows
  { pattern: /^\[(\d{1,6})\] (?=[\w.-]{1,255}:\d{1,10}:\d{1,10} \[)/ },
  // srun --label
  { pattern: /^ {0,8}(\d{1,6}): / },
  // kubectl logs --prefix
  { pattern: /^\[pod\/[^\]\s]{1,256}\] / },
  // docker compose
  { pattern: /^[A-Za-z][\w.-]{0,127}-\d{1,6} {1,64}\| / },
  // journalctl -o short-iso and syslog with ISO times, of the system's own programs: `HOST PROGRAM[PID]: `
  {
    pattern:
      /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) (?<host>\S{1,256}) (?<program>kernel|audit|systemd(?:-\w{1,32})?|NetworkManager)(?:\[\d{1,10}\])?: /,
    time: true,
  },
  // Kubernetes' container runtimes on disk, and docker logs --timestamps
  {
    pattern: /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (?:std(?:out|err) [FP] )?/,
    time: true,
  },
  // a kernel's log without time and host
  { pattern: /^(?<program>kernel): / },
  // journalctl -o cat --output-fields, daemons' own logs: programs of the system that end processes for memory
  { pattern: /^(?<program>systemd-oomd|earlyoom)\[\d{1,10}\]: / },
  // journald
  {
    pattern:
      /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})? (?<host>\S{1,256}) (?<program>[\w./-]{1,128})(?:\[\d{1,10}\])?: /,
  },
]
const MOST_PREFIXES = 4

function unwrapOnce(line: Wrapping): boolean {
  for (const { pattern, time } of PREFIXES) {
    const match = pattern.exec(line.text)
    if (match === null) continue
    line.text = line.text.slice(match[0].length)
    line.host = match.groups?.['host'] ?? line.host
    line.program = match.groups?.['program'] ?? line.program
    if (time === true) line.time = isoSeconds(match[1] ?? '') ?? line.time
    else if (match[1] !== undefined && match.groups === undefined) line.rank = Number(match[1])
    return true
  }
  return false
}

/** Docker's json-file driver: one object a line with `log`, `stream` and `time`. */
function unwrapDocker(text: string): { text: string; time: number | undefined } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('log' in value) || typeof value.log !== 'string')
      return undefined
    const time = 'time' in value && typeof value.time === 'string' ? Date.parse(value.time) / 1000 : NaN
    return { text: value.log, time: Number.isFinite(time) ? time : undefined }
  } catch {
    return undefined
  }
}

/** Takes the prefixes off a line; indentation stays. */
function unwrapped(text: string, time: number | undefined): LogLine {
  const line: Wrapping = { text, rank: undefined, time: undefined }
  for (let taken = 0; taken < MOST_PREFIXES && unwrapOnce(line); taken += 1);
  const { rank, host, program } = line
  return { text: line.text.trimEnd(), rank, host, program, time: line.time ?? time }
}

/**
 * The lines that one is made of, mostly itself: without colours and prefixes, indentation stays. `time` is when it was
 * read, Unix seconds.
 */
export function cleanLines(raw: string, time?: number): LogLine[] {
  const docker = raw.startsWith('{"log":') ? unwrapDocker(raw) : undefined
  let text = docker?.text ?? raw
  if (text.includes('\u001b') || text.includes('\u009b')) text = stripAnsi(text)
  // How Keras goes back to the beginning of its bar.
  if (text.includes('\b')) text = text.replaceAll('\b', '')
  if (text.startsWith('\ufeff')) text = text.slice(1)
  // What a terminal shows of a key that was pressed: `^[`, `^C`.
  if (text.startsWith('^')) text = text.replace(/^(?:\^[A-Z[]){1,8}(?=[A-Za-z\d[{])/, '')
  return unglued(text).map(line => unwrapped(line, docker?.time ?? time))
}
