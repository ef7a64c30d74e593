/** Time of a step: compute at the achievable ceiling, pipeline bubble, communication. Letters: see `dimensions.ts`. */
import type { Purpose, Traffic } from './communication'
import type { Derived } from './explain'
import type { HardwareInput } from './input'
import type { Peak } from './peak'
import type { Plan } from './plan'
import { sources } from './sources'

const USUAL_GPUS_PER_NODE = 8

/** H hardware FLOPs per token, D tokens of a step, N devices, X peak of one, u share of it that matmuls reach. */
export function computeSeconds(hardwarePerToken: number, tokens: number, devices: number, peak: Peak): Derived {
  return {
    value: (hardwarePerToken * tokens) / (devices * peak.flopsPerSecond * peak.achievableRatio),
    formula: 'H·D / (N·X·u)',
    letters: { H: hardwarePerToken, D: tokens, N: devices, X: peak.flopsPerSecond, u: peak.achievableRatio },
    source: sources.transformerMath,
    assumption: `X: ${peak.title}; u: ${peak.achievableSource}`,
  }
}

/** (p − 1)/(v·m) of the ideal time. Undefined where the number of micro-batches is not known. */
export function bubbleRatio(plan: Plan): Derived | undefined {
  const { pipeline: p, virtualStages: v, microBatches: m } = plan
  if (p === 1) return { value: 0, formula: '(p − 1)', letters: { p }, source: sources.sc21 }
  if (m === undefined) return undefined
  return { value: (p - 1) / (v * m), formula: '(p − 1) / (v·m)', letters: { p, v, m }, source: sources.sc21 }
}

/** Devices from the first to the last of a group, tensor ranks side by side, then context, data and pipeline. */
function span(purpose: Purpose, plan: Plan): number {
  const tensor = plan.tensor
  const context = tensor * plan.context
  const data = context * plan.data
  // Devices that hold different experts are data-parallel neighbours.
  return { tensor, context, data, pipeline: data * plan.pipeline, expert: tensor * plan.expert }[purpose]
}

export interface Bandwidths {
  readonly link: number | undefined
  readonly network: number | undefined
  readonly gpusPerNode: number
  /** Seconds until the first byte arrives. */
  readonly linkLatency: number
  readonly networkLatency: number
}

export function bandwidthsOf(hardware: HardwareInput | undefined, peak: Peak | undefined): Bandwidths {
  const gpu = peak?.gpu
  return {
    link: hardware?.linkBytesPerSecond ?? gpu?.linkBytesPerSecond ?? gpu?.pcieBytesPerSecond,
    network: hardware?.networkBytesPerSecond,
    gpusPerNode: hardware?.gpusPerNode ?? USUAL_GPUS_PER_NODE,
    linkLatency: hardware?.linkLatencySeconds ?? 0,
    networkLatency: hardware?.networkLatencySeconds ?? 0,
  }
}

const insideNode = (traffic: Traffic, plan: Plan, bandwidths: Bandwidths) =>
  span(traffic.purpose, plan) <= bandwidths.gpusPerNode

/** Fields without which the time of some traffic is not known. */
export function bandwidthNeeds(traffic: readonly Traffic[], plan: Plan, bandwidths: Bandwidths): string[] {
  const needs = traffic.flatMap(one => {
    if (insideNode(one, plan, bandwidths)) return bandwidths.link === undefined ? ['hardware.linkBytesPerSecond'] : []
    return bandwidths.network === undefined ? ['hardware.networkBytesPerSecond'] : []
  })
  return [...new Set(needs)]
}

export interface CommunicationTime {
  readonly data: number
  readonly other: number
}

/** Messages after each other in one collective: a tree up and down for an all-reduce, one way for its halves. */
function hopsOf({ collective, group }: Traffic): number {
  if (collective === 'sendReceive' || collective === 'allToAll') return 1
  return (collective === 'allReduce' ? 2 : 1) * Math.ceil(Math.log2(group))
}

/** Seconds of all traffic at full bandwidth, and the latency of each collective; undefined where a bandwidth is not known. */
export function communicationTime(
  traffic: readonly Traffic[],
  plan: Plan,
  bandwidths: Bandwidths,
): CommunicationTime | undefined {
  if (bandwidthNeeds(traffic, plan, bandwidths).length > 0) return undefined
  const time = { data: 0, other: 0 }
  for (const one of traffic) {
    const inside = insideNode(one, plan, bandwidths)
    const bandwidth = inside ? bandwidths.link : bandwidths.network
    const latency = one.count * hopsOf(one) * (inside ? bandwidths.linkLatency : bandwidths.networkLatency)
    time[one.purpose === 'data' ? 'data' : 'other'] += one.bytes.value / (bandwidth ?? NaN) + latency
  }
  return time
}

/** `overlap`, where a run showed it: the share of all communication that compute hides. Else data-parallel communication hides behind the backward pass, two thirds of compute; the rest is exposed. */
export function stepSeconds(
  compute: number,
  bubble: number,
  time: CommunicationTime | undefined,
  overlap?: number,
): Derived {
  if (time === undefined) {
    return {
      value: compute * (1 + bubble),
      formula: 'C·(1 + z)',
      letters: { C: compute, z: bubble },
      source: sources.sc21,
      assumption: 'communication left out, as its bandwidth is not known: a lower bound',
    }
  }
  if (overlap !== undefined) {
    return {
      value: compute * (1 + bubble) + (1 - overlap) * (time.data + time.other),
      formula: 'C·(1 + z) + (1 − ov)·(W + R)',
      letters: { C: compute, z: bubble, ov: overlap, W: time.data, R: time.other },
      source: sources.sc21,
      assumption: 'ov of all communication hidden, calibrated on a run of the job',
    }
  }
  return {
    value: compute * (1 + bubble) + Math.max(0, time.data - (2 / 3) * compute) + time.other,
    formula: 'C·(1 + z) + max(0, W − 2 / 3·C) + R',
    letters: { C: compute, z: bubble, W: time.data, R: time.other },
    source: sources.sc21,
    assumption: 'data-parallel communication W hides behind the backward pass; other communication R is exposed',
  }
}
