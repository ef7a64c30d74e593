/** Why the memory of a host, or what the job may have of it, ran out. */
import type { Cause } from '../../wire/post-mortem'
import { bytes, cause, growing, type Evidence } from './evidence'

/** What the process held at the end is not told by the error, only what it asked for. */
function grown({ growth, figures: { requested = 0 } }: Evidence): Cause[] {
  if (growth.kind !== 'flat' || requested < 0.5 * growth.mostBytes) return []
  return cause(
    'larger-step',
    'likely',
    'This step wanted more than any before it: most often a longer sequence or a fuller batch',
    `${bytes(requested)} at once, where the process had held ${bytes(growth.usualBytes)} over ${growth.steps} steps`,
  )
}

/** Ranks that compute on the host, and did not come through a step. */
function tooLarge({ scene, growth, predictedBytes, figures: { capacity, process } }: Evidence): Cause[] {
  if (scene.isOnHost !== true || growth.kind !== 'no-steps' || capacity === undefined) return []
  const isPredicted = predictedBytes !== undefined && predictedBytes > capacity
  return cause(
    'too-large',
    isPredicted ? 'certain' : 'likely',
    'The job is too large for the memory that it may have, as it is configured',
    `${isPredicted ? `${bytes(predictedBytes)} are predicted` : `no step was finished; the process held ${bytes(process)}`}, ${bytes(capacity)} are allowed`,
  )
}

const SHARED = /shared memory|\/dev\/shm|<\/torch_/
/** Of a group of processes: cgroups as kernel, Slurm, Kubernetes, LSF and PBS tell of them. */
const GROUP =
  /memory cgroup|cgroup out-of-memory|\bOOMKilled\b|CONSTRAINT_MEMCG|memory limit|TERM_MEMLIMIT|exceeded limit|oom[-_]kill(?:er)? event|OUT_OF_ME(?:MORY|\+)|: Out Of Memory$|memory resource limit/i
const message = ({ event }: Evidence) => (event.message ?? '').slice(0, 300)

/** Less than the host has was allowed: a cgroup of a container or scheduler, or ulimit. */
function limited(evidence: Evidence): Cause[] {
  const { meaning = '' } = evidence.event
  const { capacity, process } = evidence.figures
  const isGroup = GROUP.test(`${message(evidence)} ${meaning}`)
  const { requestedBytes, freeBytes } = evidence.event
  const isAddressSpace = !isGroup && requestedBytes !== undefined && capacity !== undefined && freeBytes !== undefined
  if (!isGroup && !isAddressSpace) return []
  const held = process === undefined ? '' : `the process held ${bytes(process)}`
  const allowed = capacity === undefined ? '' : `${bytes(capacity)} are allowed`
  return cause(
    'host-limit',
    isGroup || capacity !== undefined ? 'certain' : 'likely',
    isGroup
      ? 'A memory limit was reached (cgroup: a container, a scheduler’s job), and the kernel killed a process'
      : 'The process may have no more address space (ulimit -v)',
    [held, allowed, meaning === '' ? message(evidence) : meaning].filter(Boolean).join('; '),
  )
}

/** Only killed: neither the kernel nor the job said why. */
function hostMemory(evidence: Evidence): Cause[] {
  const { exitCode, requestedBytes } = evidence.event
  if (SHARED.test(message(evidence)))
    return cause(
      'shared-memory',
      'certain',
      'Shared memory (/dev/shm) ran out, not that of the device',
      message(evidence),
    )
  const isOnlyKilled = exitCode === 137 && requestedBytes === undefined && !/memory|oom/i.test(message(evidence))
  if (isOnlyKilled)
    return cause(
      'killed',
      'possible',
      'A process was killed with SIGKILL: most often the kernel or a container, for memory of the host',
      `${message(evidence)}; the kernel log of the node would say so`,
    )
  if (limited(evidence).length > 0) return []
  return cause('host-memory', 'likely', 'The host ran out of memory, not the device', message(evidence))
}

/** Of equal certainty what a person can act on at once comes first. */
export const HOST_RULES = [growing, grown, tooLarge, limited, hostMemory]
