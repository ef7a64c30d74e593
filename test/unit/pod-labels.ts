/** Labels of a pod, and the run that they name: `elastic` where none does and the launcher's id is taken. For hook and agent alike. */
export const POD_CASES: readonly (readonly [run: string, ...lines: readonly string[]])[] = [
  [
    'job-1234abcd',
    'jobset.sigs.k8s.io/jobset-name="job"',
    'jobset.sigs.k8s.io/jobset-uid="1234abcd-ef"',
    'batch.kubernetes.io/job-name="job-node-0"',
  ],
  [
    'job',
    'pod-template-hash="x"',
    'training.kubeflow.org/job-name="job"',
    'training.kubeflow.org/replica-type="worker"',
  ],
  ['job', 'volcano.sh/job-name="job"', 'volcano.sh/queue-name="default"'],
  ['group', 'kueue.x-k8s.io/queue-name="team"', 'kueue.x-k8s.io/pod-group-name="group"'],
  ['elastic', 'app="nothing that names a job"'],
  ['elastic', '\u0000no line of labels'],
]
