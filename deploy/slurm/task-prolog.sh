#!/bin/sh
# TaskProlog of slurmd: what it prints as `export NAME=value` is set for the task. Gives it the run's name, the place
# where its hook writes, and the hook itself.
# shellcheck source=/dev/null
[ -r "${PLUMBLINE_ENV:=/etc/plumbline.env}" ] && . "$PLUMBLINE_ENV"
data=${PLUMBLINE_DATA:-/var/lib/plumbline}
agent=${PLUMBLINE_AGENT:-/usr/local/bin/plumbline-agent}

echo "export PLUMBLINE_RUN=slurm-${SLURM_JOB_ID:?}"
[ -d "$data/hook/$SLURM_JOB_ID" ] && echo "export PLUMBLINE_HOOK_DIR=$data/hook/$SLURM_JOB_ID"
hook=$("$agent" hook --data "$data" 2>/dev/null) && echo "export PYTHONPATH=$hook${PYTHONPATH:+:$PYTHONPATH}"
exit 0
