/** What a pickle has numbered, in pages: an array that grows as one is copied again and again, and twice as large meanwhile. */
const PAGE_BITS = 16
const PAGE = 2 ** PAGE_BITS

export class Memo<T> {
  private readonly pages: (T | undefined)[][] = []
  /** One more than the highest number that was set. */
  length = 0

  get(index: number): T | undefined {
    return this.pages[index >>> PAGE_BITS]?.[index & (PAGE - 1)]
  }
  /** `index` is at most some pages beyond the length: the pages between are made. */
  set(index: number, value: T): void {
    while (this.pages.length <= index >>> PAGE_BITS) this.pages.push(new Array<T | undefined>(PAGE))
    const page = this.pages[index >>> PAGE_BITS]
    if (page !== undefined) page[index & (PAGE - 1)] = value
    if (index >= this.length) this.length = index + 1
  }
}
