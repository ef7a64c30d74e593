/**
 * Grafana dashboards from the catalogue and from what the hub tells of runs: `npm run dashboards` writes them into
 * deploy/grafana; a law keeps them fresh.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../base/root'
import type { Unit } from '../base/units'
import { FINDINGS_METRIC, RUN_FIGURES, STATE_METRIC } from '../hub/run-metrics'
import { fieldsOf } from '../wire/metrics'
import { prometheusName } from '../wire/prometheus-name'

/** Grafana's names of units. */
const UNITS: Readonly<Record<string, string>> = {
  ratio: 'percentunit',
  bytes: 'bytes',
  watts: 'watt',
  celsius: 'celsius',
  hertz: 'hertz',
  bytesPerSecond: 'Bps',
  bitsPerSecond: 'Bps',
  seconds: 's',
} satisfies Partial<Record<Unit, string>>

/** By the end of a metric's name, where there is no field: of runs. */
function unitOfName(name: string): string {
  if (name.endsWith('_ratio')) return 'percentunit'
  if (name.endsWith('_timestamp_seconds')) return 'dateTimeFromNow'
  return /(?<!per)_seconds$/.test(name) ? 's' : 'short'
}

interface Panel {
  readonly title: string
  readonly description: string
  readonly expr: string
  readonly legend: string
  readonly unit: string
  readonly type?: 'timeseries' | 'table'
}

const ACROSS = 2
const WIDTH = 24 / ACROSS
const HEIGHT = 8
const source = { type: 'prometheus', uid: '${source}' }

function panelOf({ title, description, expr, legend, unit, type = 'timeseries' }: Panel, place: number) {
  return {
    id: place + 1,
    title,
    description,
    type,
    datasource: source,
    gridPos: { x: (place % ACROSS) * WIDTH, y: Math.floor(place / ACROSS) * HEIGHT, w: WIDTH, h: HEIGHT },
    fieldConfig: { defaults: { unit, min: unit === 'dateTimeFromNow' ? undefined : 0 }, overrides: [] },
    options: type === 'table' ? {} : { tooltip: { mode: 'multi', sort: 'desc' }, legend: { displayMode: 'list' } },
    targets: [{ refId: 'A', datasource: source, expr, legendFormat: legend, instant: type === 'table' }],
  }
}

function dashboardOf(uid: string, title: string, variable: string, metric: string, panels: readonly Panel[]) {
  const choice = {
    name: variable,
    type: 'query',
    datasource: source,
    query: { query: `label_values(${metric}, ${variable})`, refId: variable },
    refresh: 2,
    multi: true,
    includeAll: true,
    current: { text: 'All', value: '$__all' },
  }
  return {
    uid,
    title,
    tags: ['plumbline'],
    schemaVersion: 39,
    editable: true,
    refresh: '15s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [{ name: 'source', type: 'datasource', query: 'prometheus' }, choice] },
    panels: panels.map(panelOf),
  }
}

function runPanels(): Panel[] {
  const figures = RUN_FIGURES.map(({ name, help }) => ({
    title: help.replace(/\.$/, ''),
    description: name,
    expr: `${name}{run=~"$run"}`,
    legend: '{{name}}',
    unit: unitOfName(name),
  }))
  const table = (title: string, description: string, expr: string): Panel => ({
    title,
    description,
    expr,
    legend: '',
    unit: 'short',
    type: 'table',
  })
  return [
    table('Findings', 'What the hub’s detectors say now', `${FINDINGS_METRIC}{run=~"$run"}`),
    table('State', 'live, silent, ended, failed or lost', `${STATE_METRIC}{run=~"$run"}`),
    ...figures,
  ]
}

const LEGENDS = { gpu: '{{node}} {{index}}', host: '{{node}}', link: '{{node}} {{device}} {{port}}' } as const

function nodePanels(): Panel[] {
  return (['gpu', 'host', 'link'] as const).flatMap(kind =>
    fieldsOf(kind).flatMap(([field, about]) => {
      if (about.type !== 'number' || field === 'time' || field === 'index') return []
      const { name } = prometheusName(kind, field, about)
      const selected = `${name}{node=~"$node"}`
      const inBytes = about.unit === 'bytes' ? 'Bps' : 'short'
      return [
        {
          title: `${kind}: ${field}`,
          description: about.help,
          expr: about.counter ? `rate(${selected}[$__rate_interval])` : selected,
          legend: LEGENDS[kind],
          unit: about.counter ? inBytes : (UNITS[about.unit] ?? 'short'),
        },
      ]
    }),
  )
}

/** File name → dashboard. */
export function dashboards(): ReadonlyMap<string, string> {
  const all = [
    dashboardOf('plumbline-runs', 'Plumbline: runs', 'run', STATE_METRIC, runPanels()),
    dashboardOf('plumbline-nodes', 'Plumbline: nodes', 'node', 'plumbline_host_cpus', nodePanels()),
  ]
  return new Map(all.map(dashboard => [`${dashboard.uid}.json`, `${JSON.stringify(dashboard, null, 2)}\n`]))
}

if (process.argv[1] === import.meta.filename)
  for (const [file, text] of dashboards()) writeFileSync(join(packageRoot, 'deploy/grafana', file), text)
