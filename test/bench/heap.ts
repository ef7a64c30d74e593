/** What a page's memory is made of, from a heap snapshot of the browser: bytes and objects by what made them. */
import * as z from 'zod'
import type { CDPSession } from 'playwright'

const snapshotSchema = z.object({
  snapshot: z.object({
    meta: z.object({
      node_fields: z.array(z.string()),
      node_types: z.array(z.union([z.string(), z.array(z.string())])),
    }),
  }),
  nodes: z.array(z.number()),
  strings: z.array(z.string()),
})

export type Heap = ReadonlyMap<string, { readonly objects: number; readonly bytes: number }>

/** Texts and numbers are many: they count by their type. */
const NAMED = new Set(['object', 'closure', 'native', 'regexp'])

export async function heapOf(cdp: CDPSession): Promise<Heap> {
  const pieces: string[] = []
  const keep = ({ chunk }: { chunk: string }) => void pieces.push(chunk)
  cdp.on('HeapProfiler.addHeapSnapshotChunk', keep)
  await cdp.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  cdp.off('HeapProfiler.addHeapSnapshotChunk', keep)
  const { snapshot, nodes, strings } = snapshotSchema.parse(JSON.parse(pieces.join('')))
  const { node_fields: fields, node_types: kinds } = snapshot.meta
  const [type, name, size] = ['type', 'name', 'self_size'].map(field => fields.indexOf(field))
  const names = kinds[type ?? 0] ?? []
  const found = new Map<string, { objects: number; bytes: number }>()
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = names[nodes[at + (type ?? 0)] ?? 0] ?? '?'
    const title = NAMED.has(kind) ? `${kind} ${(strings[nodes[at + (name ?? 0)] ?? 0] ?? '').slice(0, 60)}` : kind
    const sum = found.get(title) ?? { objects: 0, bytes: 0 }
    found.set(title, { objects: sum.objects + 1, bytes: sum.bytes + (nodes[at + (size ?? 0)] ?? 0) })
  }
  return found
}

/** The kinds that grew most, in lines. */
export function grownBetween(before: Heap, after: Heap, most = 12): string[] {
  return [...after]
    .map(([name, { objects, bytes }]) => {
      const had = before.get(name) ?? { objects: 0, bytes: 0 }
      return { name, objects: objects - had.objects, bytes: bytes - had.bytes }
    })
    .sort((one, other) => other.bytes - one.bytes)
    .slice(0, most)
    .map(
      ({ name, objects, bytes }) =>
        `${(bytes / 1024).toFixed(0).padStart(8)} KiB ${String(objects).padStart(8)}  ${name}`,
    )
}
