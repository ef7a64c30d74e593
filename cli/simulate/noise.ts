/** What varies in a healthy fleet. */
import { seededRandom } from '../../base/random'

const TABLE = 1 << 16

/** Draws of one seed: uniform ones, and normal ones out of a table, as a fleet needs millions. */
export class Noise {
  readonly uniform: () => number
  private readonly normals = new Float64Array(TABLE)
  private at = 0
  private left = 0

  constructor(seed: number) {
    this.uniform = seededRandom(seed)
    for (let index = 0; index < TABLE; index += 2) {
      const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
      const angle = 2 * Math.PI * this.uniform()
      this.normals[index] = radius * Math.cos(angle)
      this.normals[index + 1] = radius * Math.sin(angle)
    }
  }

  normal(): number {
    // Off to anywhere now and then: the same sequence never comes twice, and no rank meets the same few values again.
    if (this.left === 0) {
      this.left = 1 + Math.floor(this.uniform() * 512)
      this.at = Math.floor(this.uniform() * TABLE)
    }
    this.left -= 1
    this.at = (this.at + 1) & (TABLE - 1)
    return this.normals[this.at] ?? 0
  }
}

export interface NoiseLevel {
  readonly name: string
  /** Of a rank's compute from step to step, relative. */
  readonly step: number
  /** Of ranks that are alike, for good: no two chips are equal. */
  readonly chip: number
  /** Slow wander of one rank (temperature), relative. */
  readonly wander: number
  /** Share of a rank's steps with a hiccup, and its mean length relative to the step: garbage collection, a page fault. */
  readonly hiccups: number
  readonly hiccup: number
  /** Of a transfer from step to step. */
  readonly transfer: number
  /** Of links that are alike, for good. */
  readonly link: number
}

/** A tuned machine. */
export const calmNoise: NoiseLevel = {
  name: 'calm',
  step: 0.005,
  chip: 0.004,
  wander: 0.001,
  hiccups: 0.00002,
  hiccup: 0.1,
  transfer: 0.02,
  link: 0.005,
}
/** A cluster shared by many. */
export const usualNoise: NoiseLevel = {
  name: 'usual',
  step: 0.015,
  chip: 0.007,
  wander: 0.003,
  hiccups: 0.0001,
  hiccup: 0.15,
  transfer: 0.05,
  link: 0.01,
}
/**
 * Ranks that share cores: there, times of healthy ranks were seen to scatter by 0.12 to 0.22 and their means over 25 steps by
 * up to a tenth.
 */
export const roughNoise: NoiseLevel = {
  name: 'rough',
  step: 0.15,
  chip: 0.03,
  wander: 0.03,
  hiccups: 0.002,
  hiccup: 0.3,
  transfer: 0.15,
  link: 0.03,
}

export const NOISE_LEVELS: readonly NoiseLevel[] = [calmNoise, usualNoise, roughNoise]
