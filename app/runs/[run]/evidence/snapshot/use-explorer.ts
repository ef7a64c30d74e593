'use client'
/** What one looks at in a snapshot, kept in the address: it can be shared, and survives a reload. */
import { useSearchParams } from 'next/navigation'
import { useEffect, useState } from 'react'
import type { DeviceSummary, SnapshotSummary } from '../../../../../wire/memory-snapshot'
import { useChangeAddress, type AddressChange } from '../../../../data/address'
import { lookOf, lookText, wholeOf, isWhole, type Look } from '../../../../data/snapshot/look'

export const VIEWS = [
  { name: 'active', title: 'Active memory' },
  { name: 'state', title: 'Allocator state' },
  { name: 'segments', title: 'Cached segments' },
] as const
export type View = (typeof VIEWS)[number]['name']

/** An allocation, by where and when it began. */
export interface Block {
  readonly begin: number
  readonly address: number
}

export interface Explored {
  readonly view: View
  readonly device: DeviceSummary
  readonly look: Look
  /** The moment: after this entry of the trace. */
  readonly entry: number
  readonly block: Block | undefined
  /** Text that a frame of a stack must hold. */
  readonly find: string
}
export type Explore = (change: Partial<Explored>) => void

/** The address is written when nothing was moved for so long: browsers refuse too many changes of it. */
const REST_MS = 300

function blockOf(text: string | null): Block | undefined {
  const [, begin, address] = /^(\d{1,10})-([\da-f]{1,13})$/.exec(text ?? '') ?? []
  return begin === undefined || address === undefined
    ? undefined
    : { begin: Number(begin), address: Number.parseInt(address, 16) }
}

function read(parameters: URLSearchParams, devices: SnapshotSummary['devices']): Explored | undefined {
  const busiest = devices.toSorted((one, other) => other.peakBytes - one.peakBytes)[0]
  const device = devices.find(one => String(one.device) === parameters.get('gpu')) ?? busiest
  if (device === undefined) return undefined
  const entry = parameters.get('entry') ?? ''
  return {
    view: VIEWS.find(({ name }) => name === parameters.get('view'))?.name ?? 'active',
    device,
    look: lookOf(parameters.get('look'), device.entries) ?? wholeOf(device.entries),
    entry: /^\d{1,10}$/.test(entry) ? Math.min(Number(entry), Math.max(0, device.entries - 1)) : device.peakEntry,
    block: blockOf(parameters.get('block')),
    find: (parameters.get('find') ?? '').slice(0, 200),
  }
}

function written({ view, device, look, entry, block, find }: Explored): AddressChange {
  return {
    view: view === 'active' ? undefined : view,
    gpu: String(device.device),
    look: isWhole(look, device.entries) ? undefined : lookText(look),
    entry: String(entry),
    block: block && `${block.begin}-${block.address.toString(16)}`,
    find: find === '' ? undefined : find,
  }
}

/** Undefined where the snapshot holds no device. */
export function useExplorer({ devices }: SnapshotSummary): [Explored, Explore] | undefined {
  const parameters = useSearchParams()
  const [explored, setExplored] = useState(() => read(parameters, devices))
  const [isMoved, setMoved] = useState(false)
  const changeAddress = useChangeAddress()
  useEffect(() => {
    if (explored === undefined || !isMoved) return
    const timer = setTimeout(() => changeAddress(written(explored)), REST_MS)
    return () => clearTimeout(timer)
  }, [explored, isMoved, changeAddress])
  if (explored === undefined) return undefined
  const explore: Explore = change => {
    setMoved(true)
    setExplored(last => last && { ...last, ...change })
  }
  return [explored, explore]
}
