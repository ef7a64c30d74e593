/** The run that a pod of Kubernetes belongs to, by the labels that the downward API puts into a file; the hook reads them as well. */
import type { Host } from './host'

export const POD_LABELS = '/etc/podinfo/labels'
/** Labels by which a scheduler names the job on all of its pods, and those that tell two jobs of one name apart. */
const LABELS: readonly (readonly [name: string, identity?: string])[] = [
  // JobSet, and Kubeflow's TrainJob, which makes one.
  ['jobset.sigs.k8s.io/jobset-name', 'jobset.sigs.k8s.io/jobset-uid'],
  // Kubeflow's PyTorchJob and its kin.
  ['training.kubeflow.org/job-name'],
  ['volcano.sh/job-name'],
  // Pods that Kueue admits together.
  ['kueue.x-k8s.io/pod-group-name'],
  ['batch.kubernetes.io/job-name', 'batch.kubernetes.io/controller-uid'],
]
const LINE = /^([\w./-]{1,320})="([\w.-]{0,63})"$/
const IDENTITY_LENGTH = 8

/** Of lines NAME="VALUE"; undefined where no label names a job. */
export function runOfLabels(text: string): string | undefined {
  const labels = new Map(
    text.split('\n').flatMap(line => {
      const [, name, value] = LINE.exec(line) ?? []
      return name === undefined || value === undefined ? [] : [[name, value] as const]
    }),
  )
  for (const [name, identity = ''] of LABELS) {
    const job = labels.get(name)
    if (job === undefined || job === '') continue
    const told = labels.get(identity)?.slice(0, IDENTITY_LENGTH) ?? ''
    return told === '' ? job : `${job}-${told}`
  }
  return undefined
}

/** Undefined outside a pod that mounts its labels. */
export async function runOfPod(host: Host, file = POD_LABELS): Promise<string | undefined> {
  return runOfLabels((await host.read(file).catch(() => undefined)) ?? '')
}
