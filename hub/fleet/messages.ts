/** What hubs tell one another. None of it is needed for what is stored to be right: who misses a message looks later. */
import { z } from 'zod'

export const hubMessageSchema = z.discriminatedUnion('what', [
  /** Rows were stored that arrived at `from` (Unix seconds) or later. */
  z.object({ what: z.literal('stored'), hub: z.string(), from: z.number() }),
  /** An agent has come to `hub`: who has it, gives it up. */
  z.object({ what: z.literal('want'), hub: z.string(), agent: z.string() }),
  /** Who is connected to `hub`, and which runs somebody looks at there. */
  z.object({
    what: z.literal('present'),
    hub: z.string(),
    agents: z.array(z.tuple([z.string(), z.string(), z.string()])),
    watched: z.array(z.string()),
  }),
])
type HubMessage = z.infer<typeof hubMessageSchema>
type WithoutHub<T> = T extends unknown ? Omit<T, 'hub'> : never
/** Without who says it, which is added. */
export type Said = WithoutHub<HubMessage>
export type Heard = HubMessage
/** Its name on the wire. */
export const HUB_EVENT = 'hub'
