/**
 * What a device did when, as [begin, end, begin, end, …] of each kind, in bounded memory: of too many spans those that begin
 * later are let go, so that what is held is whole up to a horizon.
 */
const MOST_SPANS = 5_000_000
/** Of so many beginnings the middle one is that of all, nearly. */
const SAMPLE = 100_000

export type SpanKind = 'compute' | 'communication' | 'copies'

/** Lets go of the spans that do not begin before a moment; how many they were. */
function cutFrom(spans: number[], moment: number): number {
  let kept = 0
  for (let at = 0; at < spans.length; at += 2) {
    const begin = spans[at] ?? 0
    if (begin >= moment) continue
    spans[kept] = begin
    spans[kept + 1] = spans[at + 1] ?? begin
    kept += 2
  }
  const cut = (spans.length - kept) / 2
  spans.length = kept
  return cut
}

export class Spans {
  readonly compute: number[] = []
  readonly communication: number[] = []
  readonly copies: number[] = []
  /** Every span that begins before it is held. */
  horizon = Infinity
  /** Spans that were let go. */
  left = 0

  constructor(private readonly most = MOST_SPANS) {}

  add(kind: SpanKind, begin: number, end: number): void {
    if (begin >= this.horizon) {
      this.left += 1
      return
    }
    this[kind].push(begin, end)
    if (this.compute.length + this.communication.length + this.copies.length >= 2 * this.most) this.halve()
  }

  private halve(): void {
    const kinds = [this.compute, this.communication, this.copies]
    const stride = 2 * Math.max(1, Math.floor(this.most / SAMPLE))
    const begins = kinds.flatMap(spans => spans.filter((_, at) => at % stride === 0)).sort((a, b) => a - b)
    this.horizon = begins[begins.length >> 1] ?? this.horizon
    for (const spans of kinds) this.left += cutFrom(spans, this.horizon)
  }
}
