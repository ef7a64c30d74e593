/** docs/metrics.md from the catalogue, the hub's own names and the alert rules: `npm run metrics-page`; a law keeps it fresh. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { packageRoot } from '../base/root'
import { RUN_FIGURES } from '../hub/run-metrics'
import { fieldsOf, kinds, type Field, type Kind } from '../wire/metrics'
import { prometheusName } from '../wire/prometheus-name'
import { NODE_ADVICE, RUN_ADVICE, STEP_ADVICE } from './metrics-advice'

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({ alert: z.string(), expr: z.string(), annotations: z.object({ description: z.string() }) }),
      ),
    }),
  ),
})

/** Kinds whose newest values the agent gives to Prometheus and OpenTelemetry. */
const EXPORTED: readonly Kind[] = ['gpu', 'host', 'link', 'collector']
const ADVICE: Partial<Record<Kind, Readonly<Record<string, string>>>> = { ...NODE_ADVICE, step: STEP_ADVICE }
/** A bar in a cell would end it. */
const cell = (text: string) => text.replaceAll('|', '\\|')

/** Its name where the agent gives it to Prometheus and OpenTelemetry, else ''. */
export function exportedName(kind: Kind, name: string, field: Field): string {
  const isExported = field.type === 'number' && EXPORTED.includes(kind) && name !== 'time' && name !== 'index'
  return isExported ? prometheusName(kind, name, field).name : ''
}

function tableOf(kind: Kind): string[] {
  const rows = fieldsOf(kind).map(([name, field]) => {
    const unit = field.type === 'number' ? field.unit : field.type
    const exported = exportedName(kind, name, field)
    const cells = [
      `\`${name}\``,
      unit,
      field.help,
      ADVICE[kind]?.[name] ?? '',
      exported === '' ? '' : `\`${exported}\``,
    ]
    return `| ${cells.map(cell).join(' | ')} |`
  })
  const head = ['| field | unit | meaning | where it is not as it should be | Prometheus |', '|---|---|---|---|---|']
  return [`## ${kind}`, '', ...head, ...rows, '']
}

function alerts(): string[] {
  const text = readFileSync(join(packageRoot, 'deploy/prometheus/alerts.yml'), 'utf8')
  const rules = rulesSchema.parse(parse(text)).groups.flatMap(group => group.rules)
  const rows = rules.map(({ alert, expr, annotations }) => {
    const what = annotations.description.replace(/\{\{ \$labels\.(\w+) \}\}/g, '($1)')
    return `| ${alert} | \`${cell(expr)}\` | ${cell(what)} |`
  })
  return ['| alert | when | what to do |', '|---|---|---|', ...rows, '']
}

export function metricsPage(): string {
  return [
    '# What each metric means, and what to do',
    '',
    'Made from `wire/metrics.ts`, `hub/run-metrics.ts`, `scripts/metrics-advice.ts` and `deploy/prometheus/alerts.yml` by `npm run metrics-page`.',
    '',
    '## What to do',
    '',
    ...alerts(),
    '## Runs, at the hub’s /metrics',
    '',
    '| Prometheus | meaning | where it is not as it should be |',
    '|---|---|---|',
    ...RUN_FIGURES.map(({ name, help }) => `| \`${name}\` | ${help} | ${RUN_ADVICE[name] ?? ''} |`),
    '',
    ...kinds.flatMap(tableOf),
  ].join('\n')
}

if (process.argv[1] === import.meta.filename) writeFileSync(join(packageRoot, 'docs/metrics.md'), metricsPage())
