/**
 * Evidence is read on a thread of its own, which comes when there is something to read and goes when nobody has asked for a
 * while: half a gigabyte keeps no run waiting, and what exhausts its memory takes no hub with it.
 */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { PlumblineError } from '../../base/errors'
import type { EvidenceReader } from '../../hub/evidence'

type Call =
  { readonly summary: Parameters<EvidenceReader['summary']> } | { readonly ask: Parameters<EvidenceReader['ask']> }
export type Asked = Call & { readonly id: number }
export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: { readonly message: string; readonly fix: string | undefined }
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Of objects: a snapshot of 502 MB takes a tenth of it, its columns lie outside. */
const MOST_MIB = 2048
const IDLE_MS = 120_000

/** What the thread runs lies beside this file. Sources are run by tsx, which a thread does not take on by itself. */
function openWorker(): Worker {
  const kind = extname(import.meta.url)
  const { href } = new URL(`./evidence-worker${kind}`, import.meta.url)
  const code =
    kind === '.ts' ? `import('tsx/esm/api').then(tsx => tsx.tsImport('${href}', '${href}'))` : `import('${href}')`
  return new Worker(code, { eval: true, resourceLimits: { maxOldGenerationSizeMb: MOST_MIB } })
}

export class EvidenceThread implements EvidenceReader {
  private worker: Worker | undefined
  private readonly waiting = new Map<number, Waiting>()
  private asked = 0
  private leaving: NodeJS.Timeout | undefined

  summary(...asked: Parameters<EvidenceReader['summary']>): Promise<unknown> {
    return this.call({ summary: asked })
  }
  ask(...asked: Parameters<EvidenceReader['ask']>): Promise<unknown> {
    return this.call({ ask: asked })
  }

  private call(call: Call): Promise<unknown> {
    clearTimeout(this.leaving)
    const worker = (this.worker ??= this.start())
    worker.ref()
    const id = (this.asked += 1)
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      worker.postMessage({ id, ...call })
    })
  }

  private start(): Worker {
    const worker = openWorker()
    worker.on('message', (answer: Answer) => this.answered(worker, answer))
    worker.on('error', error => this.ended(worker, error.message))
    worker.on('exit', () => this.ended(worker, 'its thread ended'))
    return worker
  }

  private answered(worker: Worker, { id, value, error }: Answer): void {
    const waiting = this.waiting.get(id)
    this.waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new PlumblineError(error.message, { fix: error.fix }))
    if (this.waiting.size > 0) return
    // Nobody waits for it: it keeps no process from its end.
    worker.unref()
    this.leaving = setTimeout(() => void worker.terminate(), IDLE_MS).unref()
  }

  private ended(worker: Worker, why: string): void {
    if (this.worker !== worker) return
    this.worker = undefined
    for (const { reject } of this.waiting.values())
      reject(new PlumblineError(`it could not be read: ${why}`, { fix: 'look at the file itself: it may be damaged' }))
    this.waiting.clear()
  }
}
