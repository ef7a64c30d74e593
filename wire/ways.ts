/** By what way devices of a node, and ranks, reach one another: as tools and NCCL said last. `GET /api/runs/:run/ways`. */
import { z } from 'zod'

export const waysSchema = z.object({
  /** Nodes that are connected alike within are one entry, the largest first. */
  nodes: z.array(
    z.object({
      nodes: z.array(z.string()),
      /** Devices and NICs, in the order of their numbers. */
      devices: z.array(z.string()),
      /** By device, then by device: the tool's word (NV18, PIX, SYS, XGMI, …); empty where it said none. */
      ways: z.array(z.array(z.string())),
    }),
  ),
  /** Between ranks, as NCCL chose them, by way. */
  ranks: z.array(z.object({ way: z.string(), pairs: z.number(), example: z.string() })),
})
export type Ways = z.infer<typeof waysSchema>
