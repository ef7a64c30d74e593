import { localHost } from '../collectors/host'
import { runOfPod } from '../collectors/pod'

/** `20261123-214501-k3fa`: sorts by time, and is short enough to read out. */
export function newRunId(): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  return `${time}-${Math.random().toString(36).slice(2, 6).padEnd(4, '0')}`
}

/** By the labels of the pod that this runs in: all pods of a job say the same. Undefined elsewhere. */
export function runOfThisPod(): Promise<string | undefined> {
  return runOfPod(localHost(), process.env['PLUMBLINE_POD_LABELS'])
}
