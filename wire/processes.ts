/** Processes and the memory that they hold, of a device or of a host. */
import { z } from 'zod'

/** Less than the node has: a cgroup or `ulimit -v`, by name, and what is used of it, by others as well where they share it. */
const memoryLimitSchema = z.object({ name: z.string(), bytes: z.number(), usedBytes: z.number() })
export const processesSchema = z.array(
  z.object({
    pid: z.number(),
    name: z.string().optional(),
    memoryUsedBytes: z.number().optional(),
    limit: memoryLimitSchema.optional(),
  }),
)
