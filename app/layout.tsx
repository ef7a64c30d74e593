import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'
import './globals.css'
import { Header } from './ui/header'
import { LostBar } from './ui/lost-bar'
import { Shortcuts } from './ui/shortcuts'
import { THEME_SCRIPT } from './ui/theme-script'

export const metadata: Metadata = {
  title: { default: 'Plumbline', template: '%s · Plumbline' },
  description: 'Live training jobs, held against the arithmetic.',
}
export const viewport: Viewport = { width: 'device-width', initialScale: 1, colorScheme: 'light dark' }

export default function Layout({ children }: { children: ReactNode }) {
  return (
    // The script sets data-theme before the first paint, so the attribute differs from what the server sent.
    <html lang="en" suppressHydrationWarning>
      <head>
        <script dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
      </head>
      <body>
        <a href="#main" className="skip-link">
          Skip to content
        </a>
        <Header />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
        <LostBar />
        <Shortcuts />
      </body>
    </html>
  )
}
