/** What takes torch: the matmul ceiling of each device, and an all-reduce between nodes. */
import { join } from 'node:path'
import type { z } from 'zod'
import { messageOf } from '../../base/errors'
import { localHost } from '../../collectors/host'
import { hookFolder } from '../hook-folder'
import { productsSchema, reducedSchema, type Address } from './wire'

const TIMEOUT_MS = 180_000

/** The last line that the script prints. Throws what it complains of. */
async function script<T>(python: string, args: readonly string[], schema: z.ZodType<T>): Promise<T> {
  const path = join(hookFolder(''), 'plumbline_probe.py')
  const { code, stdout, stderr, error } = await localHost().run(python, [path, ...args], TIMEOUT_MS)
  const last = stdout.trim().split('\n').at(-1) ?? ''
  if (code !== 0) throw new Error(error ?? stderr.trim().split('\n').at(-1) ?? `${python} ended with ${code}`)
  try {
    return schema.parse(JSON.parse(last))
  } catch (cause) {
    throw new Error(`${python} said what is not understood: ${messageOf(cause)}`, { cause })
  }
}

export const products = (python: string) => script(python, ['matmul'], productsSchema)

interface Member {
  readonly rank: number
  readonly worldSize: number
  readonly master: Address
}

export const joinGroup = (python: string, { rank, worldSize, master }: Member) =>
  script(python, ['group', ...[rank, worldSize, master.host, master.port].map(String)], reducedSchema)
