import { OverviewPage } from './overview-page'

export default function Page() {
  return <OverviewPage />
}
