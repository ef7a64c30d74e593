/**
 * Tells of findings by webhook. A chat (Slack, Mattermost, Discord’s /slack) takes `text` alone; anyone else gets the finding
 * too, signed with the secret. Nothing waits for it: each address has a queue of its own, bounded, and tries again for a while.
 */
import { createHmac } from 'node:crypto'
import { backoff, sleep, unixSeconds } from '../../base/clock'
import { messageOf } from '../../base/errors'
import { format, significant } from '../../base/units'
import type { Change } from './life'

const MOST_WAITING = 256
const TRIES = 8
const TIMEOUT_MS = 10_000
const FIRST_WAIT_MS = 1_000
const LAST_WAIT_MS = 60_000
/** Of the answers that say no, those that may say yes later. */
const LATER = new Set([408, 425, 429])

export interface NotifyOptions {
  readonly urls: readonly string[]
  /** Signs the body: `x-plumbline-signature: sha256=…`. Empty: unsigned. */
  readonly secret: string
  /** The page of a finding. */
  readonly linkOf: (run: string, id: string) => string
  readonly count: (what: 'sent' | 'failed') => void
  readonly log: (line: string) => void
}

const WHAT: Readonly<Record<Change['what'], string>> = { opened: '', changed: 'Changed: ', closed: 'Over: ' }

function lossText({ costGpuHours, costMoney, currency = '' }: Change['finding']): string {
  if (costGpuHours === undefined) return ''
  const money = costMoney === undefined ? '' : ` (${costMoney.toFixed(2)} ${currency || 'at your price'})`
  return `; so far ${significant(costGpuHours)} GPU-hours${money}`
}

/** One message for people. */
export function textOf({ what, finding }: Change, link: string): string {
  const { severity, title, evidence, nextStep, cause, costSecondsPerStep, costRatio } = finding
  const cost =
    costSecondsPerStep === undefined
      ? ''
      : ` It costs ${format(costSecondsPerStep, 'seconds')} a step` +
        `${costRatio === undefined ? '' : ` (${Math.round(costRatio * 100)} %)`}${lossText(finding)}.`
  const next = what === 'closed' ? '' : `\nNext: ${nextStep}`
  const why = cause === undefined ? '' : ` Cause: ${cause}.`
  return `${WHAT[what]}${title} [${severity}]\n${evidence}${why}${cost}${next}\n${link}`
}

const isChat = (url: string) =>
  /(^|\.)slack\.com$/.test(new URL(url).hostname) || /\/(services|hooks|slack)(\/|$)/.test(new URL(url).pathname)

class Address {
  private readonly waiting: string[] = []
  private readonly over: Promise<void>
  private wake = new AbortController()

  constructor(
    readonly url: string,
    private readonly options: NotifyOptions,
    private readonly stopped: AbortSignal,
  ) {
    this.over = this.loop()
  }

  add(body: string): void {
    if (this.waiting.length >= MOST_WAITING) {
      this.waiting.shift()
      this.options.count('failed')
    }
    this.waiting.push(body)
    this.wake.abort()
  }

  end(): Promise<void> {
    this.wake.abort()
    return this.over
  }

  private async loop(): Promise<void> {
    while (!this.stopped.aborted) {
      const body = this.waiting.shift()
      if (body === undefined) {
        await sleep(LAST_WAIT_MS, this.wake.signal)
        this.wake = new AbortController()
        continue
      }
      const why = await this.deliver(body)
      this.options.count(why === undefined ? 'sent' : 'failed')
      // The path of a chat’s address is its password.
      if (why !== undefined) this.options.log(`a notification to ${new URL(this.url).host} failed: ${why}`)
    }
  }

  /** Undefined where it was taken, else why not. */
  private async deliver(body: string): Promise<string | undefined> {
    const waits = backoff(FIRST_WAIT_MS, LAST_WAIT_MS)
    let why = 'the hub stopped'
    for (let attempt = 1; attempt <= TRIES && !this.stopped.aborted; attempt += 1) {
      try {
        const { status } = await this.post(body)
        if (status < 300) return undefined
        why = `status ${status}`
        if (status < 500 && !LATER.has(status)) return why
      } catch (error) {
        why = messageOf(error)
      }
      if (attempt < TRIES) await sleep(waits.next(), this.stopped)
    }
    return why
  }

  private async post(body: string): Promise<Response> {
    const { secret } = this.options
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
    const response = await fetch(this.url, {
      method: 'POST',
      body,
      redirect: 'error',
      headers: { 'content-type': 'application/json', ...(secret !== '' && { 'x-plumbline-signature': signature }) },
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.stopped]),
    })
    await response.body?.cancel()
    return response
  }
}

export class Notifier {
  private readonly stopped = new AbortController()
  private readonly addresses: readonly Address[]

  constructor(private readonly options: NotifyOptions) {
    this.addresses = options.urls.map(url => new Address(url, options, this.stopped.signal))
  }

  /** Never waits and never throws. */
  tell(change: Change): void {
    const { what, finding } = change
    const link = this.options.linkOf(finding.run, finding.id)
    const text = textOf(change, link)
    for (const address of this.addresses) {
      const whole = { text, what, finding, link, time: unixSeconds() }
      address.add(JSON.stringify(isChat(address.url) ? { text } : whole))
    }
  }

  /** What still waits is let go of. */
  async close(): Promise<void> {
    this.stopped.abort()
    await Promise.all(this.addresses.map(address => address.end()))
  }
}
