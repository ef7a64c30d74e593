import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'
import { headers } from 'next/headers'
import { unixSeconds } from '../base/clock'
import './globals.css'
import { Shortcuts } from './palette/shortcuts'
import { Header } from './ui/header'
import { LostBar } from './ui/lost-bar'
import { Served } from './ui/served'
import { THEME_SCRIPT } from './ui/theme-script'

export const metadata: Metadata = {
  title: { default: 'Plumbline', template: '%s · Plumbline' },
  description: 'Live training jobs, held against the arithmetic.',
}
export const viewport: Viewport = { width: 'device-width', initialScale: 1, colorScheme: 'light dark' }

export default async function Layout({ children }: { children: ReactNode }) {
  // Every page is made when it is asked for, with the numbers of that moment.
  const policy = (await headers()).get('content-security-policy')
  const nonce = /'nonce-([^']+)'/.exec(policy ?? '')?.[1]
  return (
    // The script sets data-theme before the first paint, so the attribute differs from what the server sent.
    <html lang="en" suppressHydrationWarning>
      <head>
        <script nonce={nonce} suppressHydrationWarning dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
      </head>
      <body>
        <a href="#main" className="skip-link" data-screen="">
          Skip to content
        </a>
        <Served at={unixSeconds()}>
          <Header />
          <main id="main" tabIndex={-1}>
            {children}
          </main>
          <LostBar />
          <Shortcuts />
        </Served>
      </body>
    </html>
  )
}
