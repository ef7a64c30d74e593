/**
 * The one door to the machine: only this file starts processes or reads files for collectors. A test hands in a fake
 * Host; nothing else needs faking.
 */

export interface FileStat {
  readonly size: number
  /** Device and inode: tells a rotated file from a grown one. */
  readonly id: string
  readonly modifiedAt: number
}

export interface ChildEvents {
  /** One line of standard output without its line end. Lines over 1 MiB come cut, and are marked as such by `warn`. */
  line(text: string): void
  /** One line of standard error. */
  errorLine(text: string): void
  /** Once. `error` where the program could not be started at all. */
  exit(result: { code: number | null; signal: string | null; error?: string }): void
}

export interface Child {
  readonly pid: number | undefined
  /** SIGTERM, then SIGKILL after two seconds; resolves when it is gone. */
  stop(): Promise<void>
}

export interface Host {
  readonly hostname: string
  /** Seconds since the Unix epoch. */
  now(): number
  /** The text of a small file (default limit 1 MiB), undefined where it is missing or may not be read. */
  read(path: string, maxBytes?: number): Promise<string | undefined>
  /** Bytes from an offset on, at most `length`; empty at the end. Throws when the file is gone. */
  readRange(path: string, offset: number, length: number): Promise<Buffer>
  stat(path: string): Promise<FileStat | undefined>
  /** Names in a folder, sorted; empty where it is missing. */
  list(folder: string): Promise<readonly string[]>
  /** Files that match a glob (`*`, `?`, `**`, `{a,b}`), sorted; a plain path gives itself when it exists. */
  glob(pattern: string): Promise<readonly string[]>
  /** Runs to the end. Never throws: `error` says that it could not start or timed out. Output over 8 MiB is cut. */
  run(command: string, args: readonly string[], timeoutMs: number): Promise<{ code: number | null; stdout: string; stderr: string; error?: string }>
  /** Starts a long-lived child in the agent's care: it is killed when the agent exits, even by SIGKILL where the system can. */
  spawn(command: string, args: readonly string[], events: ChildEvents): Child
}
