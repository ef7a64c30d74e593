import type { Metadata } from 'next'
import { GpusPage } from './gpus-page'

export const metadata: Metadata = { title: 'GPUs' }

export default function Page() {
  return <GpusPage />
}
