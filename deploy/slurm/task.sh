#!/bin/bash
# srun task.sh COMMAND…: runs the command and, on the first task of each node, an agent beside it for the time of the step.
# Output, exit code and signals are the command's own; what goes wrong with the agent never reaches it.
agent=${PLUMBLINE_AGENT:-plumbline-agent}
# A folder for each node: TMPDIR may be on a disk that they share, and each agent follows its own tasks.
step=${SLURM_JOB_ID:-0}.${SLURM_STEP_ID:-0}-${SLURMD_NODENAME:-$(uname -n)}
export PLUMBLINE_DATA="${PLUMBLINE_DATA:-${TMPDIR:-/tmp}/plumbline-$(id -u)/$step}"
export PLUMBLINE_RUN=${PLUMBLINE_RUN:-slurm-${SLURM_JOB_ID:-0}}
export PLUMBLINE_HOOK_DIR=${PLUMBLINE_HOOK_DIR:-$PLUMBLINE_DATA/hook/$PLUMBLINE_RUN}
mkdir -p "$PLUMBLINE_HOOK_DIR" 2>/dev/null
hook=$("$agent" hook 2>/dev/null) && export PYTHONPATH=$hook${PYTHONPATH:+:$PYTHONPATH}

# The others of the node are followed by the first one's agent.
if [ "${SLURM_LOCALID:-0}" != 0 ] || ! command -v "$agent" >/dev/null; then exec "$@"; fi
"$agent" agent --from-start >"$PLUMBLINE_DATA/agent.log" 2>&1 </dev/null &
watcher=$!

"$@" &
job=$!
trap 'kill -TERM "$job" 2>/dev/null' TERM
trap 'kill -INT "$job" 2>/dev/null' INT
wait "$job"
code=$?
# A signal ends the wait, not the job.
while kill -0 "$job" 2>/dev/null; do
  wait "$job"
  code=$?
done
# A job that is over before its agent has begun (a busy node) is told of all the same.
waited=0
while [ ! -d "$PLUMBLINE_DATA/spool" ] && [ "$waited" -lt 30 ] && kill -0 "$watcher" 2>/dev/null; do
  sleep 1
  waited=$((waited + 1))
done
# Time for the last lines; then it sends what it has.
sleep "${PLUMBLINE_LINGER:-2}"
kill -TERM "$watcher" 2>/dev/null
wait "$watcher"
exit "$code"
