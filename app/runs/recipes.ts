/** How a job is attached, by what starts it. `hub` is the address of this page. Pure. */
import { registry } from '../../base/registry'

export interface Recipe {
  readonly name: string
  readonly title: string
  /** What one gets by it. */
  readonly help: string
  text(hub: string): string
}

export const recipes = registry<Recipe>('way to attach a job', [
  {
    name: 'torchrun',
    title: 'torchrun',
    help: 'Before the command that starts training. Its output, signals and exit code pass through; the hook is put on PYTHONPATH.',
    text: hub => `plumbline run --hub ${hub} -- \\\n  torchrun --nproc-per-node 8 train.py`,
  },
  {
    name: 'slurm',
    title: 'Slurm',
    help: 'In the batch script: one on each node, before srun’s own command.',
    text: hub =>
      `srun --ntasks-per-node 1 \\\n  plumbline run --hub ${hub} --name "$SLURM_JOB_NAME" -- \\\n  torchrun --nnodes $SLURM_NNODES --nproc-per-node 8 train.py`,
  },
  {
    name: 'kubernetes',
    title: 'Kubernetes',
    help: 'As the command of the training container; the image needs Node 20, or the agent as one program.',
    text: hub =>
      `command: ["plumbline", "run", "--hub", "${hub}", "--"]\nargs: ["torchrun", "--nproc-per-node", "8", "train.py"]`,
  },
  {
    name: 'megatron',
    title: 'Megatron-LM',
    help: 'Its log is read as it is: step time, loss, tokens, memory and the whole configuration. A job that runs already is followed by its log.',
    text: hub => `plumbline agent --hub ${hub} \\\n  --logs '/path/to/logs/*.log'`,
  },
  {
    name: 'hf-trainer',
    title: 'HF Trainer',
    help: 'Under plumbline run nothing is changed. Two lines in the script add each rank’s phases, time in collectives and memory by category.',
    text: hub =>
      `plumbline run --hub ${hub} -- accelerate launch train.py\n\n# in train.py, once model and optimizer are there\nimport plumbline_hook\nplumbline_hook.attach(model, optimizer)`,
  },
])
