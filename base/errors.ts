/** An error a person can act on: printed as an `error:` and a `fix:` line. `usage` errors exit with 2, others with 1. */
export class PlumblineError extends Error {
  readonly fix: string | undefined
  readonly usage: boolean

  constructor(message: string, options: { fix?: string | undefined; usage?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'PlumblineError'
    this.fix = options.fix
    this.usage = options.usage ?? false
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
