#!/bin/sh
# Prolog of slurmd, as root, once a node and job: a folder for the job's hook, and an agent where none runs on the node.
# Never fails: a prolog that does drains its node.
# shellcheck source=/dev/null
[ -r "${PLUMBLINE_ENV:=/etc/plumbline.env}" ] && { set -a; . "$PLUMBLINE_ENV"; set +a; }
export PLUMBLINE_DATA="${PLUMBLINE_DATA:-/var/lib/plumbline}"
agent=${PLUMBLINE_AGENT:-/usr/local/bin/plumbline-agent}
hook=$PLUMBLINE_DATA/hook/${SLURM_JOB_ID:?}

mkdir -p "$hook"
chmod 755 "$PLUMBLINE_DATA"
chmod 1777 "$PLUMBLINE_DATA/hook"
chmod 700 "$hook"
[ -n "$SLURM_JOB_UID" ] && chown "$SLURM_JOB_UID" "$hook"
# Unpacked here, by root, for the tasks of all users.
"$agent" hook >/dev/null 2>&1

# An agent's lock on its node begins with its process id.
running() {
  for lock in "$PLUMBLINE_DATA"/node-*.lock; do
    [ -r "$lock" ] && read -r pid _ <"$lock" && kill -0 "$pid" 2>/dev/null && return 0
  done
  return 1
}
# slurmd kills what is left of the prolog's process group: the agent is in a session of its own before this goes on.
# What a job writes before it has had its first look is read too.
if ! running && [ -n "$PLUMBLINE_HUB" ]; then
  # shellcheck disable=SC2016
  setsid sh -c '"$0" agent --from-start >>"$1" 2>&1 </dev/null & echo $! >"$2"' \
    "$agent" "$PLUMBLINE_DATA/agent.log" "$PLUMBLINE_DATA/agent-$SLURM_JOB_ID.pid"
fi
exit 0
