/**
 * Who brought steps of a run, folded from them as they arrive: a hub that starts knows its runs without reading every step
 * of months.
 */

/** The table, and its tier in `folded`. */
export const STEP_SENDERS = 'stepSender'

/** Of steps that arrived after `after` up to `to`. The same rows twice come to the same. */
export const FOLD_STEP_SENDERS = `INSERT INTO ${STEP_SENDERS} (run, agent, node, rank, first, last, lastStep, seen)
  SELECT run, toString(agent), node, rank, min(step.time), max(step.time), max(step.step), max(step.receivedAt) FROM step
  WHERE run != '' AND step.receivedAt > {after:Float64} AND step.receivedAt <= {to:Float64} GROUP BY run, agent, node, rank`

/** Rows `run, agent, node, rank, first, last, lastStep, seen` of all steps: of what is folded, and of those that are not yet. */
export const ALL_STEP_SENDERS = `SELECT toString(run) AS run, toString(agent) AS agent, toString(node) AS node, rank, first, last, lastStep, seen
    FROM ${STEP_SENDERS}
  UNION ALL
  SELECT toString(run), toString(agent), toString(node), rank, step.time, step.time, step.step, step.receivedAt FROM step
  WHERE run != '' AND step.receivedAt > (SELECT max(receivedTo) FROM folded WHERE tier = '${STEP_SENDERS}')`
