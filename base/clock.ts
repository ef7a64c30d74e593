/** Seconds since the Unix epoch, with a fraction. The unit of every `time` in a record. */
export function unixSeconds(): number {
  return Date.now() / 1000
}

export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted === true) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal?.addEventListener('abort', done)
  })
}

/** Does `work`, and again `milliseconds` after it ended, until it is aborted; `failed` is told what fails, and it goes on. */
export async function repeat(
  milliseconds: number,
  signal: AbortSignal,
  work: () => Promise<void>,
  failed: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(failed)
    await sleep(milliseconds, signal)
  }
}

/** Waits that double from `first` to `last` milliseconds; `reset` after a success. */
export function backoff(first: number, last: number): { next(): number; reset(): void } {
  let wait = first
  return {
    next() {
      const now = wait
      wait = Math.min(last, wait * 2)
      return now
    },
    reset() {
      wait = first
    },
  }
}
