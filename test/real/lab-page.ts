/** A lab of namespaces and a browser: whom the page of a real job names, and what it costs. */
import type { Browser, Page } from 'playwright'
import { expect } from 'vitest'
import { launchBrowser } from '../e2e/browser'
import { Cluster } from './cluster'
import { faultOf, judge } from './faults'
import { whyNoLab } from './lab'
import { hasTorch } from './torch'

export const MINUTES = 60_000

/** Undefined where jobs can run in a lab here, else why not; said aloud. */
export function whyNoLabPage(): string | undefined {
  const why = hasTorch ? whyNoLab() : 'python has no torch'
  if (why !== undefined) console.warn(`SKIPPED: real jobs in a lab of namespaces: ${why}`)
  return why
}

export class LabPage {
  private constructor(
    readonly cluster: Cluster,
    private readonly browser: Browser,
  ) {}

  static async open(): Promise<LabPage> {
    const cluster = await Cluster.open()
    try {
      return new LabPage(cluster, await launchBrowser())
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  async page(run: string): Promise<Page> {
    const page = await this.browser.newPage()
    await page.goto(`${this.cluster.url}/runs/${run}/sync`, { timeout: MINUTES })
    return page
  }

  /** A job with this fault in it: what is found must be right, and `title` on its page. Gives its run. */
  async shows(fault: string, title: string): Promise<string> {
    const { run, wrong, findings } = await judge(this.cluster, faultOf(fault))
    expect(wrong, JSON.stringify(findings, null, 2)).toEqual([])
    const page = await this.page(run)
    await page.locator('p', { hasText: title }).first().waitFor({ timeout: MINUTES })
    await page.close()
    return run
  }

  async close(): Promise<void> {
    await this.browser.close()
    await this.cluster.close()
  }
}
