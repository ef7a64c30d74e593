/**
 * The XML of nvidia-smi: elements and text, no more. What could harm is not understood at all: no entity is defined or
 * fetched, a document type with a subset ends the reading, depth and size are bounded.
 */
import { branch, type Branch } from './tree'

const MAX_DEPTH = 32
const MAX_ELEMENTS = 1_000_000
/** Hundreds of lines a device that no record speaks of. */
const SKIPPED = new Set(['supported_clocks'])
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const plain = (text: string) =>
  text.trim().replace(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => ENTITIES[name] ?? whole)

export interface XmlReading {
  readonly root: Branch
  /** Where the reading ended: the end of the text, or the first thing that is not such XML. */
  readonly end: number
}

/** Where a comment, declaration or tag that begins at `from` ends: behind its `>`; -1 where it does not. */
function endOf(text: string, from: number): number {
  const [opening, closing] = text.startsWith('<!--', from) ? ['<!--', '-->'] : ['<', '>']
  const found = text.indexOf(closing, from + opening.length)
  return found < 0 ? -1 : found + closing.length
}

/** Reads the elements from `from` on; several documents in a row are children of one root. */
export function readXml(text: string, from = 0): XmlReading {
  const root = branch('')
  const open: Branch[] = [root]
  let elements = 0
  let place = from
  while (place < text.length) {
    const tag = text.indexOf('<', place)
    const here = open.at(-1)
    if (here === undefined) break
    if (tag < 0) return { root, end: open.length === 1 && text.slice(place).trim() !== '' ? place : text.length }
    const between = text.slice(place, tag)
    if (here !== root) here.text += plain(between)
    const end = endOf(text, tag)
    if (end < 0) return { root, end: tag }
    const inside = text.slice(tag + 1, end - 1)
    if (inside.startsWith('!DOCTYPE') && inside.includes('[')) return { root, end: tag }
    if (inside.startsWith('/')) {
      if (here.name !== inside.slice(1).trim()) return { root, end: tag }
      open.pop()
    } else if (!inside.startsWith('!') && !inside.startsWith('?')) {
      const name = /^[A-Za-z_][\w.-]{0,80}/.exec(inside)?.[0]
      elements += 1
      if (name === undefined || open.length > MAX_DEPTH || elements > MAX_ELEMENTS) return { root, end: tag }
      const child = branch(name)
      if (!SKIPPED.has(here.name)) here.children.push(child)
      if (!inside.endsWith('/')) open.push(child)
    }
    place = end
  }
  return { root, end: place }
}
