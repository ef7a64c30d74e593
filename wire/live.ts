/**
 * The conversation between a page and the hub, on socket.io namespace `/live`, and the words of it that carry no schema:
 * a browser need not load what checks them.
 *
 *     page                                hub
 *                                       ◀─ version VERSION        at each connection
 *       watch run, since                ─▶                        a run, or null for the list; up to when one has it
 *                                       ◀─ ack reachesBack        whether the next update tells all that came since
 *                                       ◀─ update LiveUpdate      replaces the tail of what one has of the run
 *                                       ◀─ runs RunSummary[]      the list
 */
export const LIVE_NAMESPACE = '/live'

/** The type of the events that people write beside a moment of a run. */
export const NOTE = 'note'
