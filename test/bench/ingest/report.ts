/** What is measured of a store under load, and how it is printed. */
export interface Measured {
  /** Samples a second that it took. */
  readonly rate: number
  readonly samples: number
  readonly processorSeconds: number
  /** Bytes, at most. */
  readonly resident: number
  readonly diskBytesPerSample: number
}

export const perMillion = ({ processorSeconds, samples }: Measured) => (processorSeconds / samples) * 1e6

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

export function line(name: string, due: number, measured: Measured): string {
  const held = (measured.rate / due) * 100
  return [
    name.padEnd(11),
    `${Math.round(measured.rate).toLocaleString('en')} samples/s (${held.toFixed(0)} % of what was due)`,
    `${perMillion(measured).toFixed(2)} CPU s a million`,
    `${(measured.resident / 1e9).toFixed(2)} GB resident`,
    `${measured.diskBytesPerSample.toFixed(2)} bytes a sample on disk`,
  ].join(', ')
}
