/** What both encodings of OTLP metrics come to: one number of one series, or a point of a kind that is not read. */
import type { Sample } from '../../wire/exporters/exporter'

export type Labels = Record<string, string>

export interface Point {
  /** Attributes of the resource: what sends. */
  readonly resource: Readonly<Labels>
  /** Undefined for what is no plain number: a histogram, a summary, a sum of differences, no recorded value. */
  readonly sample: Sample | undefined
}

/** Nanoseconds since the Unix epoch as seconds; undefined where none is given. */
export const secondsOf = (nanoseconds: number) =>
  Number.isFinite(nanoseconds) && nanoseconds > 0 ? nanoseconds / 1e9 : undefined

/** AGGREGATION_TEMPORALITY_DELTA: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#temporality */
export const DELTA = 1
/** A point that says that there is no value: DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK. */
export const NO_RECORDED_VALUE = 1

/** A resource or a point of more attributes than this is cut. */
export const MAX_ATTRIBUTES = 128
