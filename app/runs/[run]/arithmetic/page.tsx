import type { Metadata } from 'next'
import { ArithmeticPage } from './arithmetic-page'

interface Props {
  params: Promise<{ run: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: `Arithmetic of ${decodeURIComponent((await params).run)}` }
}

export default async function Page({ params }: Props) {
  const run = decodeURIComponent((await params).run)
  return <ArithmeticPage key={run} run={run} />
}
