/** What keys do on the timeline. */
import type { KeyboardEvent } from 'react'
import { heldAt, rowOf } from '../../../../data/snapshot/held'
import { moved, wholeOf, zoomed, zoomedUp } from '../../../../data/snapshot/look'
import type { Picture } from './draw-timeline'
import type { Block, Explored } from './use-explorer'

export const blockAt = ({ window: { allocations } }: Picture, row: number): Block => ({
  begin: allocations.begin[row] ?? 0,
  address: allocations.address[row] ?? 0,
})

/** The allocation above or below the one that is picked, at the moment. */
function neighbour(picture: Picture, { entry, block }: Explored, way: 1 | -1): Block | undefined {
  const rows = heldAt(picture.window, entry).flatMap(({ row }) => (row === undefined ? [] : [row]))
  const place = rows.indexOf(rowOf(picture.window, block))
  const next = place === -1 ? rows.at(way === 1 ? 0 : -1) : rows[place + way]
  return next === undefined ? undefined : blockAt(picture, next)
}

/** What a key asks for; undefined for a key that is not ours. */
export function keyed(event: KeyboardEvent, picture: Picture, explored: Explored): Partial<Explored> | undefined {
  const { look, entry, device } = explored
  const { entries } = device
  const step = Math.max(1, Math.round((look.to - look.from) / 100))
  const to = (next: number): Partial<Explored> => {
    const at = Math.min(Math.max(0, entries - 1), Math.max(0, next))
    const isOut = at < look.from || at > look.to
    const shift = at < look.from ? at - look.from : at - look.to
    return isOut ? { entry: at, look: moved(look, shift / (look.to - look.from), 0, entries) } : { entry: at }
  }
  const near = (entry - look.from) / (look.to - look.from)
  const x = near >= 0 && near <= 1 ? near : 0.5
  const pick = (way: 1 | -1) => {
    const block = neighbour(picture, explored, way)
    return block === undefined ? {} : { block }
  }
  const keys: Record<string, () => Partial<Explored>> = {
    ArrowLeft: () => (event.shiftKey ? { look: moved(look, -0.25, 0, entries) } : to(entry - step)),
    ArrowRight: () => (event.shiftKey ? { look: moved(look, 0.25, 0, entries) } : to(entry + step)),
    ArrowUp: () => (event.shiftKey ? { look: moved(look, 0, 0.25, entries) } : pick(1)),
    ArrowDown: () => (event.shiftKey ? { look: moved(look, 0, -0.25, entries) } : pick(-1)),
    '+': () => ({ look: zoomed(look, 1 / 1.5, x, entries) }),
    '=': () => ({ look: zoomed(look, 1 / 1.5, x, entries) }),
    '-': () => ({ look: zoomed(look, 1.5, x, entries) }),
    PageUp: () => ({ look: zoomedUp(look, 1 / 1.5, 0.5, entries) }),
    PageDown: () => ({ look: zoomedUp(look, 1.5, 0.5, entries) }),
    Home: () => to(0),
    End: () => to(entries - 1),
    Escape: () => ({ look: wholeOf(entries) }),
  }
  return keys[event.key]?.()
}
