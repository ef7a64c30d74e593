/** Who is where and what flows between: the picture of a run's fabric over its last steps. `GET /api/runs/:run/fabric`. */
import { z } from 'zod'

const maybe = z.number().nullable()

export const fabricPictureSchema = z.object({
  /** The steps that it is of. */
  from: maybe,
  to: maybe,
  /** Nobody told the cables: switches are left out. */
  isInferred: z.boolean(),
  /** As columns, ranks ascending. Without a stage: all do alike. */
  ranks: z.object({
    rank: z.array(z.number()),
    node: z.array(z.string().nullable()),
    stage: z.array(maybe),
    /** Of its work over that of ranks that do the same, in the last steps; 0.1 works 10 % longer. */
    excess: z.array(maybe),
  }),
  /** Each with the switches that its cards are on. */
  nodes: z.array(z.object({ node: z.string(), switches: z.array(z.string()) })),
  /** What ranks do together, the longest first. */
  groups: z.array(
    z.object({
      name: z.string(),
      operation: z.string(),
      ranks: z.number(),
      /** How far it goes: within a node, a leaf, or over the fabric. */
      span: z.string().nullable(),
      /** Of a step. */
      bytes: maybe,
      seconds: maybe,
      /** By NCCL’s convention; and what is usual among groups that are alike, as detectors hold it. */
      busBytesPerSecond: maybe,
      peerBusBytesPerSecond: maybe,
      /** What the devices or the cables on its way carry at most; null where nobody told. */
      predictedBusBytesPerSecond: maybe,
    }),
  ),
  /** What the kernel counts between nodes, the busiest first. */
  paths: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      span: z.string().nullable(),
      /** Of a step. */
      bytes: maybe,
      busySeconds: maybe,
      bytesPerSecond: maybe,
      peerBytesPerSecond: maybe,
    }),
  ),
  /** What the cables of the nodes carry at most; null where nobody told. */
  cableBytesPerSecond: maybe,
})
export type FabricPicture = z.infer<typeof fabricPictureSchema>
