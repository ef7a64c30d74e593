'use client'
import NextLink from 'next/link'
import type { ComponentProps } from 'react'

/** Leads to another page. Each is made when it is asked for, with the numbers of that moment: none is fetched ahead. */
export function Link(props: Omit<ComponentProps<typeof NextLink>, 'prefetch'>) {
  return <NextLink prefetch={false} {...props} />
}
