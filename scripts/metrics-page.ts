/** docs/metrics.md from the catalogue, the hub's own names and the alert rules: `npm run metrics-page`; a law keeps it fresh. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { packageRoot } from '../base/root'
import { RUN_FIGURES } from '../hub/run-metrics'
import { fieldsOf, kinds, prometheusName, type Kind } from '../wire/metrics'

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
/** A bar in a cell would end it. */
const cell = (text: string) => text.replaceAll('|', '\\|')

function tableOf(kind: Kind): string[] {
  const rows = fieldsOf(kind).map(([name, field]) => {
    const unit = field.type === 'number' ? field.unit : field.type
    const exported =
      field.type === 'number' && EXPORTED.includes(kind) && name !== 'time' && name !== 'index'
        ? `\`${prometheusName(kind, name, field).name}\``
        : ''
    return `| \`${name}\` | ${unit} | ${cell(field.help)} | ${exported} |`
  })
  return [`## ${kind}`, '', '| field | unit | meaning | Prometheus |', '|---|---|---|---|', ...rows, '']
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
    'Made from `wire/metrics.ts`, `hub/run-metrics.ts` and `deploy/prometheus/alerts.yml` by `npm run metrics-page`.',
    '',
    '## What to do',
    '',
    ...alerts(),
    '## Runs, at the hub’s /metrics',
    '',
    '| Prometheus | meaning |',
    '|---|---|',
    ...RUN_FIGURES.map(({ name, help }) => `| \`${name}\` | ${help} |`),
    '',
    ...kinds.flatMap(tableOf),
  ].join('\n')
}

if (process.argv[1] === import.meta.filename) writeFileSync(join(packageRoot, 'docs/metrics.md'), metricsPage())
