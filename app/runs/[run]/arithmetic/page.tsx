import type { Metadata } from 'next'
import { ArithmeticPage } from './arithmetic-page'

export const metadata: Metadata = { title: 'Arithmetic' }

export default function Page() {
  return <ArithmeticPage />
}
