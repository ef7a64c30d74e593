'use client'
import { capital } from '../../base/capital'
import type { HubSettings, TokenInfo } from '../../wire/api'
import { door } from '../data/door'
import { usePolled } from '../data/use-polled'
import { Card } from '../ui/card'
import { Choice } from '../ui/choice'
import { Clock } from '../ui/clock'
import { Notice } from '../ui/notice'
import { Table, type Column } from '../ui/table'
import { chooseTheme, useTheme } from '../ui/theme'
import { THEMES } from '../ui/theme-script'
import styles from '../ui/document.module.css'

interface Row {
  readonly name: string
  readonly value: string
  /** How it is set: a flag, its twin in the environment, a key of plumbline.yaml. */
  readonly flag: string
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'name', title: 'Setting', width: '28%', value: row => row.name, cell: row => row.name },
  { name: 'value', title: 'Value', width: '44%', value: row => row.value, cell: row => <strong>{row.value}</strong> },
  { name: 'flag', title: 'Set by', isMinor: true, value: row => row.flag, cell: row => <code>{row.flag}</code> },
]

const asked = (who: string, shown: boolean) => (shown ? `${who} show a token` : 'no token is asked for')

function rowsOf(settings: HubSettings): Row[] {
  const { pricePerGpuHour, currency, notifies } = settings
  return [
    {
      name: 'Price of a GPU-hour',
      value: pricePerGpuHour === null ? 'not known' : `${pricePerGpuHour} ${currency}`.trim(),
      flag: '--price-per-gpu-hour, --currency',
    },
    {
      name: 'Told of findings',
      value: notifies.length === 0 ? 'nobody' : notifies.join(', '),
      flag: '--notify',
    },
    {
      name: 'What they are told is signed',
      value: settings.signsNotifications ? 'yes' : 'no',
      flag: '--notify-secret',
    },
    { name: 'Links in what they are told', value: settings.publicUrl || 'the hub’s own address', flag: '--public-url' },
    { name: 'Agents', value: asked('agents', settings.agentsShowToken), flag: '--token' },
    { name: 'Viewers', value: asked('viewers', settings.viewersShowToken), flag: '--view-token' },
    { name: 'Listens on', value: settings.host, flag: '--host, --port' },
    { name: 'Store', value: settings.store, flag: '--store' },
    { name: 'Data folder', value: settings.data, flag: '--data' },
    { name: 'Version', value: settings.version, flag: 'plumbline --version' },
  ]
}

const TOKEN_COLUMNS: readonly Column<TokenInfo>[] = [
  { name: 'name', title: 'Token', width: '28%', value: row => row.name, cell: row => <strong>{row.name}</strong> },
  { name: 'role', title: 'Role', width: '44%', value: row => row.role, cell: row => ROLE_HELP[row.role] },
  {
    name: 'since',
    title: 'Since',
    value: row => row.since,
    cell: row => <Clock time={row.since} withDate />,
  },
]

const ROLE_HELP: Readonly<Record<TokenInfo['role'], string>> = {
  agent: 'agent: sends, and reads nothing',
  view: 'view: looks at everything',
  annotate: 'annotate: looks, writes notes, imports files',
  admin: 'admin: all of it, and sees this list',
}

/** Who may come, for those who may know it; for all others this is not there. */
function Tokens() {
  const { value } = usePolled('tokens', door.tokens, Infinity)
  if (value === undefined) return null
  return (
    <Card
      title="Tokens"
      note="plumbline token add NAME --role ROLE gives one out, plumbline token remove NAME takes it back at once. What a token is, the hub itself does not know: it keeps hashes."
    >
      {value.length === 0 ? (
        <p className="muted">None: whoever reaches this hub may do everything.</p>
      ) : (
        <Table label="Tokens" columns={TOKEN_COLUMNS} rows={value} rowKey={row => row.name} />
      )}
    </Card>
  )
}

const THEME_OPTIONS = THEMES.map(name => ({ name, title: capital(name) }))

/** What this browser and this hub are set to. What the hub is set to is changed where it is started. */
export function SettingsPage({ first }: { first: HubSettings | undefined }) {
  const theme = useTheme()
  const { value, error } = usePolled('settings', door.settings, Infinity, first)
  if (value === undefined && error !== undefined)
    return (
      <Notice title="The settings cannot be shown" broken>
        <p>{error.message}</p>
      </Notice>
    )
  return (
    <>
      <div className={styles.head}>
        <h1>Settings</h1>
      </div>
      <div className={styles.sections}>
        <Card title="This browser" note="Kept in this browser alone.">
          <Choice label="Colours of the page" options={THEME_OPTIONS} value={theme} onChange={chooseTheme} />
        </Card>
        <Card
          title="This hub"
          note="Set where the hub is started: a flag, PLUMBLINE_… in the environment, or a key of plumbline.yaml; plumbline start --print-config shows where each comes from. Tokens and secrets are never shown."
        >
          <Table
            label="Settings of the hub"
            columns={COLUMNS}
            rows={value === undefined ? [] : rowsOf(value)}
            rowKey={row => row.name}
          />
        </Card>
        <Tokens />
      </div>
    </>
  )
}
