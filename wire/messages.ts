/**
 * The conversation between an agent and the hub, on socket.io namespace `/agent`.
 *
 *     agent                               hub
 *       hello {protocol, agent, token…} ─▶
 *                                       ◀─ ack { ok: true, sequence }   highest sequence already stored
 *       batch sequence, frame           ─▶
 *                                       ◀─ ack { ok: true, sequence }   stored: the agent may forget it
 *
 * Every emit is acknowledged. A refusal is `{ ok: false, error, fix, retry }`; with `retry: false` the agent stops
 * trying that (a wrong token, another protocol, a frame that is not one), with `retry: true` it tries again later.
 */
import { z } from 'zod'

/** Raised when an old peer could no longer understand a new one. Fields are only ever added. */
export const PROTOCOL = 1
export const AGENT_NAMESPACE = '/agent'
export const LIVE_NAMESPACE = '/live'

export const helloSchema = z.object({
  protocol: z.number().int(),
  version: z.string().max(64),
  /** Identity of the spool: sequences count within it, and survive restarts of the agent. */
  agent: z.string().min(1).max(128),
  node: z.string().min(1).max(255),
  token: z.string().max(512).optional(),
})
export type Hello = z.infer<typeof helloSchema>

export interface Accepted {
  ok: true
  sequence: number
}
export interface Refused {
  ok: false
  error: string
  fix?: string | undefined
  retry: boolean
}
export type Reply = Accepted | Refused

export interface AgentToHub {
  hello: (hello: Hello, reply: (answer: Reply) => void) => void
  batch: (sequence: number, frame: Buffer, reply: (answer: Reply) => void) => void
}
