#!/bin/sh
# Epilog of slurmd, as root, once a node and job: ends the agent that the prolog started for it, and clears hook folders of
# a week ago. Never fails: an epilog that does drains its node.
# shellcheck source=/dev/null
[ -r "${PLUMBLINE_ENV:=/etc/plumbline.env}" ] && { set -a; . "$PLUMBLINE_ENV"; set +a; }
data=${PLUMBLINE_DATA:-/var/lib/plumbline}
pidfile=$data/agent-${SLURM_JOB_ID:?}.pid

if [ -r "$pidfile" ]; then
  pid=$(cat "$pidfile")
  kill -TERM "$pid" 2>/dev/null
  # It sends what it has; what the hub does not take waits on disk.
  waited=0
  while kill -0 "$pid" 2>/dev/null && [ "$waited" -lt 10 ]; do
    sleep 1
    waited=$((waited + 1))
  done
  kill -KILL "$pid" 2>/dev/null
  rm -f "$pidfile"
fi
find "$data/hook" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} + 2>/dev/null
exit 0
