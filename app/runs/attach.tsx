'use client'
import Link from 'next/link'
import { useSyncExternalStore, type ReactNode } from 'react'
import type { NodeInfo } from '../../wire/api'
import { useConnection } from '../data/live'
import { useNodes } from '../data/use-polled'
import { Badge } from '../ui/badge'
import { Copy } from '../ui/copy'
import { Import } from './import'
import styles from './attach.module.css'

function Way({ title, children, command }: { title: string; children: ReactNode; command: string }) {
  return (
    <li className={styles.way}>
      <h2>{title}</h2>
      <p>{children}</p>
      <Copy command={command} />
    </li>
  )
}

const HOOK = `import plumbline_hook
plumbline_hook.attach(model, optimizer)`

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
            An agent reports from {names}: {dataText(connected)} (<Link href="/nodes">details</Link>)
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

/** The page of runs while there are none: how to attach a job, in one screen. */
export function Attach() {
  const origin = useOrigin()
  return (
    <div className={styles.attach}>
      <h1>No runs yet</h1>
      <p className="muted">Attach a training job in one of these ways; it shows up here with its first line.</p>
      <LiveCheck />
      <ol className={styles.ways}>
        <Way title="Start the job under Plumbline" command="plumbline run -- /usr/bin/python3 train.py">
          Its output and exit code pass through untouched; losses and step times are read from what it prints.
        </Way>
        <Way
          title="Follow the logs of a job that runs already"
          command={`plumbline agent --hub ${origin} --logs 'logs/*.log'`}
        >
          On each node. Megatron-LM, nanoGPT, Hugging Face Trainer, torchtitan and the hook are understood.
        </Way>
        <Way title="See inside the step" command={HOOK}>
          Two lines in the script give phases, time in collectives and memory by category, for each rank.
        </Way>
        <li className={styles.way}>
          <h2>Look at a run that is over</h2>
          <p>Its logs and SMI output become a run; drop them on this page, or use plumbline import.</p>
          <Import />
        </li>
        <Way title="Only look around" command="npm start -- --demo">
          Plays a recorded run through the real agent.
        </Way>
      </ol>
      <p className="muted">
        From a clone, <code>plumbline</code> is <code>npx plumbline</code> inside it and <code>npx /path/to/clone</code>{' '}
        elsewhere; <code>npm link</code> puts it on the PATH.
      </p>
    </div>
  )
}
