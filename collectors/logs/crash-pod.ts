/**
 * What Kubernetes says of a container that it killed, as `kubectl describe pod` and `kubectl get pod -o yaml` or `json` print it:
 * exit code, end, the limit of its memory and the node stand in lines of their own, before the reason or behind it.
 * https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
 */
import type { RecordOf } from '../../wire/records'
import { sizeOf } from './crash-figures'

type Event = RecordOf<'event'>

/** What was said last of a pod. */
export type Pod = {
  section: string | null
  node: string | null
  /** Limits of its containers, each once: of several nobody says whose it is. */
  limits: number[]
  exitCode: number | null
  finishedAt: number | null
}
export const noPod = (): Pod => ({ section: null, node: null, limits: [], exitCode: null, finishedAt: null })

const MOST_LIMITS = 16
const MEMBER = /^\s{0,60}(?:- )?"?([A-Za-z][\w ./-]{1,40})"?: {0,40}"?([^"]{0,200}?)"?[,{]?$/
const SECTIONS = new Set(['limits', 'requests', 'terminated', 'state', 'last state', 'laststate'])
const OWN = new Set([
  ...SECTIONS,
  ...['exitcode', 'exit code', 'finishedat', 'finished', 'startedat', 'started', 'containerid', 'signal', 'message'],
  ...['ready', 'restart count', 'restartcount', 'cpu', 'memory', 'ephemeral-storage', 'nvidia.com/gpu', 'amd.com/gpu'],
])

function memberOf(text: string): [name: string, value: string] | undefined {
  const match = text.length > 400 ? null : MEMBER.exec(text)
  return match === null ? undefined : [(match[1] ?? '').toLowerCase(), match[2] ?? '']
}

/** Remembers what a line says of a pod; claims nothing. */
export function notePod(text: string, pod: Pod): void {
  const member = memberOf(text)
  if (member === undefined) return
  const [name, value] = member
  if (name === 'terminated' || /^terminated$/i.test(value)) pod.exitCode = pod.finishedAt = null
  // `describe` goes through the containers one by one, each with its limits behind its state.
  if (name === 'state') pod.limits = []
  if (SECTIONS.has(name)) pod.section = name
  else if (name === 'node' || name === 'nodename') pod.node = /^[\w.-]{1,253}/.exec(value)?.[0] ?? null
  else if (name === 'exitcode' || name === 'exit code') pod.exitCode = /^\d{1,3}$/.test(value) ? Number(value) : null
  else if (name === 'finishedat' || name === 'finished') {
    const time = Date.parse(value)
    pod.finishedAt = Number.isFinite(time) ? time / 1000 : null
  } else if (name === 'memory' && pod.section === 'limits') {
    const limit = sizeOf(value)
    if (limit !== undefined && !pod.limits.includes(limit) && pod.limits.length < MOST_LIMITS) pod.limits.push(limit)
  }
}

const isKilled = ({ message = '' }: Event) => /\bOOMKilled\b/.test(message)

/** Adds to the event of a killed container what is known of it so far. */
export function withPod(event: Event, { node, limits, exitCode, finishedAt }: Pod): Event {
  if (!isKilled(event)) return event
  const [limit] = limits
  return {
    ...event,
    ...(node !== null && { node }),
    ...(exitCode !== null && { exitCode }),
    ...(finishedAt !== null && { time: finishedAt }),
    ...(limits.length === 1 && limit !== undefined && { capacityBytes: limit }),
  }
}

/** True: a line of the container whose end is told; what it says is noted. */
export function readPodLine(text: string, event: Event, pod: Pod): boolean {
  if (!isKilled(event) || !OWN.has(memberOf(text)?.[0] ?? '')) return false
  Object.assign(event, withPod(event, pod))
  return true
}
