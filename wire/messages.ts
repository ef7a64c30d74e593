/**
 * The conversation between an agent and the hub, on socket.io namespace `/agent`.
 *
 *     agent                               hub
 *       hello {protocol, agent, token…} ─▶
 *                                       ◀─ ack { ok: true, sequence }   highest sequence already stored
 *       batch sequence, frame           ─▶
 *                                       ◀─ ack { ok: true, sequence }   stored: the agent may forget it
 *       evidence about, offset, piece   ─▶
 *                                       ◀─ ack { ok: true, sequence }   bytes of the file that the hub has
 *
 * Several batches may be on their way: they are stored, and answered, in order. Once one is refused for now, the hub takes
 * none until the agent has greeted again, and so never stores a later one before it. `pace` says how many seconds of
 * samples the hub would like in one batch: fewer for who is watched, more where there are many agents.
 *
 * Every emit is acknowledged. A refusal is `{ ok: false, error, fix, retry }`; with `retry: false` the agent stops
 * trying that (a wrong token, another protocol, a frame that is not one), with `retry: true` it tries again later.
 */
import { z } from 'zod'

/** Raised when an old peer could no longer understand a new one. Fields are only ever added. */
export const PROTOCOL = 1
export const AGENT_NAMESPACE = '/agent'

export const helloSchema = z.object({
  protocol: z.number().int(),
  version: z.string().max(64),
  /** Identity of the spool: sequences count within it, and survive restarts of the agent. */
  agent: z
    .string()
    .min(1)
    .max(128)
    .regex(/^\P{Cc}+$/u),
  node: z.string().min(1).max(255),
  token: z.string().max(512).optional(),
  /** It greets again after each refusal, and so may send ahead of the answers. */
  ahead: z.boolean().optional(),
})
export type Hello = z.infer<typeof helloSchema>

/** Of one file of evidence, in all. */
export const MOST_EVIDENCE_BYTES = 2 * 1024 ** 3
export const EVIDENCE_KINDS = ['memory-snapshot', 'black-box'] as const
/** A file that tells how a run ended, on its way in pieces; an empty piece asks how much of it the hub has. */
export const evidenceSchema = z.object({
  id: z.string().regex(/^[\w-]{8,64}$/),
  run: z.string().min(1).max(256),
  kind: z.enum(EVIDENCE_KINDS),
  name: z.string().max(200),
  node: z.string().max(255).optional(),
  rank: z.number().int().min(0).optional(),
  /** When it was written, Unix seconds. */
  time: z.number(),
  bytes: z.number().int().min(1).max(MOST_EVIDENCE_BYTES),
})
export type EvidenceAbout = z.infer<typeof evidenceSchema>

export interface Accepted {
  ok: true
  sequence: number
  pace?: number | undefined
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
  evidence: (about: EvidenceAbout, offset: number, piece: Buffer, reply: (answer: Reply) => void) => void
}
