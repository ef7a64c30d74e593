'use client'
import { useRouter } from 'next/navigation'
import { useEffect, useState } from 'react'
import { isTyping } from '../data/typing'
import { pages } from '../nav'
import { Help } from './help'
import { Palette } from './palette'

const WAIT_MS = 1200
/** Whoever wants the palette opened, by a press instead of a key, says so by this event of the window. */
export const OPEN_PALETTE = 'plumbline-palette'

type Open = 'palette' | 'help' | undefined

const opens = (event: KeyboardEvent): Open => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') return 'palette'
  if (isTyping(event)) return undefined
  return event.key === '/' ? 'palette' : event.key === '?' ? 'help' : undefined
}

/** Keys that hold on every page: the palette, the help, `g` and the key of a page. */
export function Shortcuts() {
  const router = useRouter()
  const [open, setOpen] = useState<Open>()
  useEffect(() => {
    let armedAt = -Infinity
    const press = (event: KeyboardEvent) => {
      const wanted = opens(event)
      if (wanted !== undefined) {
        event.preventDefault()
        return setOpen(wanted)
      }
      if (isTyping(event)) return
      const page = [...pages].find(({ key }) => key === event.key)
      if (page !== undefined && performance.now() - armedAt < WAIT_MS) router.push(page.href)
      armedAt = event.key === 'g' ? performance.now() : -Infinity
    }
    const asked = () => setOpen('palette')
    addEventListener('keydown', press)
    addEventListener(OPEN_PALETTE, asked)
    return () => {
      removeEventListener('keydown', press)
      removeEventListener(OPEN_PALETTE, asked)
    }
  }, [router])
  const close = () => setOpen(undefined)
  if (open === 'palette') return <Palette onClose={close} />
  return open === 'help' ? <Help onClose={close} /> : null
}
