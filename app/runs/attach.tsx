'use client'
import { useState, useSyncExternalStore } from 'react'
import type { NodeInfo } from '../../wire/api'
import { useChoice } from '../data/address'
import { door, doorError } from '../data/door'
import { useConnection } from '../data/live'
import { useNodes } from '../data/use-polled'
import { Badge } from '../ui/badge'
import { Choice } from '../ui/choice'
import { Copy } from '../ui/copy'
import { Import } from './import'
import { recipes } from './recipes'
import styles from './attach.module.css'
import { Link } from '../ui/link'

function dataText(nodes: readonly NodeInfo[]): string {
  const ok = new Set(
    nodes.flatMap(node => node.collectors.filter(({ state }) => state === 'ok').map(({ name }) => name)),
  )
  return ok.size === 0 ? 'no collector has data yet' : `${[...ok].join(', ')} arrive`
}

/** Says, live, how far the way from a job to this page already stands. */
function LiveCheck() {
  const { state } = useConnection()
  const { value: nodes } = useNodes()
  const connected = nodes?.filter(node => node.connected) ?? []
  const names = connected.map(({ node }) => node).join(', ')
  return (
    <ul className={styles.checks} aria-label="Does data arrive?">
      <li>
        <Badge tone={state === 'connected' ? 'good' : 'warning'}>{state === 'connected' ? 'yes' : 'not yet'}</Badge>
        This page hears the hub
      </li>
      <li>
        <Badge tone={connected.length > 0 ? 'good' : 'warning'}>{connected.length > 0 ? 'yes' : 'not yet'}</Badge>
        {connected.length > 0 ? (
          <p>
            An agent reports from {names}: {dataText(connected)} (<Link href="/cluster">details</Link>)
          </p>
        ) : (
          'An agent reports'
        )}
      </li>
      <li>
        <Badge tone="neutral">waiting</Badge>A job reports its first step: this page then changes by itself
      </li>
    </ul>
  )
}

const subscribe = () => () => undefined
const useOrigin = () =>
  useSyncExternalStore(
    subscribe,
    () => location.origin,
    () => 'http://127.0.0.1:3000',
  )

/** A recorded run by one press: it comes the same way as any other. */
function Demo() {
  const [said, setSaid] = useState('')
  const play = () => {
    setSaid('starting …')
    door.playDemo().then(
      () => setSaid('It plays; it is here in a moment.'),
      (error: unknown) => setSaid(doorError(error).message),
    )
  }
  return (
    <>
      <button type="button" className={styles.button} onClick={play} disabled={said.startsWith('starting')}>
        Play the demo run
      </button>
      <span className="muted" role="status">
        {said}
      </span>
    </>
  )
}

/** The page of runs while there are none: how to attach a job, in one screen. */
export function Attach() {
  const origin = useOrigin()
  const [name, choose] = useChoice('with', recipes.names, 'torchrun')
  const recipe = recipes.get(name)
  return (
    <div className={styles.attach}>
      <h1>No runs yet</h1>
      <p className="muted">Attach a training job; it shows up here with its first line.</p>
      <LiveCheck />
      <section className={styles.way} aria-label="Attach a job">
        <h2>Attach a job</h2>
        <Choice label="What starts your job" options={[...recipes]} value={name} onChange={choose} />
        {recipe !== undefined && <p>{recipe.help}</p>}
        {recipe !== undefined && <Copy command={recipe.text(origin)} />}
        <p>
          <code>plumbline</code> is <code>npx plumbline</code> inside a clone and <code>npx /path/to/clone</code>{' '}
          elsewhere; <code>npm link</code> puts it on the PATH. From other machines the hub is reached where it was
          started with <code>--host 0.0.0.0 --token SECRET</code>; pass the same <code>--token</code>.
        </p>
      </section>
      <div className={styles.ways}>
        <section className={styles.way} aria-label="Look at a run that is over">
          <h2>Look at a run that is over</h2>
          <p>Logs, SMI output and traces become a run; drop them anywhere on this page. A crash log is enough.</p>
          <Import />
        </section>
        <section className={styles.way} aria-label="Only look around">
          <h2>Only look around</h2>
          <p>A recorded run of four ranks, one of them slow for a while, played through a real agent.</p>
          <div className={styles.row}>
            <Demo />
          </div>
        </section>
      </div>
    </div>
  )
}
