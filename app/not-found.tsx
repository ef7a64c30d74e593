import { Link } from './ui/link'
import { Notice } from './ui/notice'

export default function NotFound() {
  return (
    <Notice title="There is no such page">
      <p>
        Go to the <Link href="/">list of runs</Link> or the <Link href="/cluster">cluster</Link>.
      </p>
    </Notice>
  )
}
