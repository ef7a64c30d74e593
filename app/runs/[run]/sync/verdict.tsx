'use client'
import { format } from '../../../../base/units'
import type { Finding, Sign } from '../../../../wire/findings'
import { costOf, lostText, moneyText, slowdownText } from '../../../data/blame'
import type { Tone } from '../../../data/health'
import { Badge } from '../../../ui/badge'
import { Card } from '../../../ui/card'
import { Clock } from '../../../ui/clock'
import { Link } from '../../../ui/link'
import { Provenance } from '../../../ui/provenance'
import { Words } from '../../../ui/words'
import { useRunPage } from '../run-context'
import { tabAddress } from '../tabs'
import styles from './sync.module.css'

export const SEVERITY_TONE: Readonly<Record<Finding['severity'], Tone>> = {
  info: 'neutral',
  warning: 'warning',
  critical: 'critical',
}

export const findingAddress = ({ run, id = '' }: Finding) =>
  tabAddress(run, { folder: `findings/${encodeURIComponent(id)}` })

/** Why nothing is blamed: all is well, or too little is known to tell. */
function Nothing() {
  const { view } = useRunPage()
  const { syncWaitSeconds, stepSeconds } = view.detail.summary
  const share = (syncWaitSeconds.value ?? NaN) / (stepSeconds.value ?? NaN)
  return (
    <Card title="Who holds the run back">
      <p className={styles.who}>Nobody stands out.</p>
      <p className="muted">
        {syncWaitSeconds.value === null
          ? 'No rank tells of its phases: attach the hook, and ranks can be told apart.'
          : `Ranks wait ${format(syncWaitSeconds.value, 'seconds')} a step for each other${
              Number.isFinite(share) ? ` (${Math.round(share * 100)} %)` : ''
            }, and none of them steadily for the same one.`}
      </p>
    </Card>
  )
}

/** What devices, hosts and cards of the blamed say, beside what their peers say. */
function Signs({ signs }: { signs: readonly Sign[] }) {
  return (
    <ul className={styles.signs}>
      {signs.map(({ field, of, says }) => (
        <li key={`${field} ${of} ${says}`}>{says}</li>
      ))}
    </ul>
  )
}

interface VerdictProps {
  finding: Finding | undefined
  asked: string | undefined
  isKnown: boolean
}

/** The sentence that one needs at 3 a.m.: who, since when, how much, why, what next. */
export function Verdict({ finding, asked, isKnown }: VerdictProps) {
  const { view, run } = useRunPage()
  if (finding === undefined && asked !== undefined)
    return (
      <Card title="Finding">
        <p>{isKnown ? `This run has no finding ${asked}.` : 'Asking the hub …'}</p>
        <p>
          <Link href={tabAddress(run, { folder: 'sync' })}>What holds it back now</Link>
        </p>
      </Card>
    )
  if (finding === undefined) return <Nothing />
  const { severity, provenance, title, evidence, since, until, nextStep, state, cause, signs = [] } = finding
  const ranks = view.detail.summary.worldSize ?? 1
  const lost = lostText(costOf(finding, view.overall, ranks))
  const slowdown = slowdownText(finding)
  return (
    <Card
      title="Who holds the run back"
      aside={
        <>
          <Badge tone={state === 'closed' ? 'neutral' : SEVERITY_TONE[severity]}>
            {state === 'closed' ? `was ${severity}` : severity}
          </Badge>
          <Provenance kind={provenance} />
          {finding.id !== undefined && <Link href={findingAddress(finding)}>Link to this</Link>}
        </>
      }
    >
      <p className={styles.who} data-testid="verdict">
        {title}.
      </p>
      <p className={styles.how}>
        Since <Clock time={since} withDate />
        {until !== undefined && (
          <>
            {' '}
            until <Clock time={until} withDate />
          </>
        )}
        {slowdown === undefined ? '' : `: ${slowdown}`}
        {lost === undefined ? '' : `; ${lost}`}
        {finding.costMoney !== undefined && `, ${moneyText(finding.costMoney, finding.currency)}`}.
      </p>
      <dl className={styles.why}>
        <dt>Why</dt>
        <dd>{evidence}</dd>
        {cause !== undefined && (
          <>
            <dt>Cause</dt>
            <dd>
              <strong>{cause}</strong>
              <Signs signs={signs} />
            </dd>
          </>
        )}
        <dt>Next</dt>
        <dd>
          <Words text={nextStep} />
        </dd>
      </dl>
    </Card>
  )
}
