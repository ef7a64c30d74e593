'use client'
import { useRouter } from 'next/navigation'
import { useEffect } from 'react'
import { pages } from '../nav'

const WAIT_MS = 1200

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
}

/** `g r` goes to the runs, `g n` to the nodes. */
export function Shortcuts() {
  const router = useRouter()
  useEffect(() => {
    let armedAt = -Infinity
    const press = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return
      const page = [...pages].find(({ key }) => key === event.key)
      if (page !== undefined && performance.now() - armedAt < WAIT_MS) router.push(page.href)
      armedAt = event.key === 'g' ? performance.now() : -Infinity
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [router])
  return null
}
