/** Plumbline's own agents: the catalogue's fields by the names under which they export them. */
import { fieldsOf, type Kind } from '../metrics'
import { prometheusName } from '../prometheus-name'
import { indexOf, linkError, to, told, type Exporter, type Rule } from './exporter'

const KINDS = ['gpu', 'host', 'link'] as const satisfies readonly Kind[]

const rules = new Map<string, Rule>()
for (const kind of KINDS)
  for (const [name, field] of fieldsOf(kind)) {
    if (field.type !== 'number') continue
    const exported = prometheusName(kind, name, field)
    rules.set(exported.name, to(name as Parameters<typeof to>[0], 1 / exported.factor))
  }
rules.set('plumbline_link_errors_total', (group, sample) => linkError(sample.labels['error'] ?? '')(group, sample))

export const plumbline: Exporter = {
  name: 'plumbline',
  origin: 'https://prometheus.io/docs/practices/naming/',
  source: 'plumbline',
  namesNode: true,
  owns: metric => metric.startsWith('plumbline_'),
  entityOf({ name, labels }) {
    const kind = KINDS.find(candidate => name.startsWith(`plumbline_${candidate}_`))
    const node = told(labels['node'])
    if (kind === undefined || !rules.has(name)) return undefined
    if (kind === 'host') return { kind, key: '', node, fields: {} }
    if (kind === 'link') {
      const device = told(labels['device'])
      const port = told(labels['port'])
      return device === undefined ? undefined : { kind, key: `${device} ${port ?? ''}`, node, fields: { device, port } }
    }
    const index = indexOf(labels['index'])
    if (index === undefined) return undefined
    return { kind, key: `${index} `, node, fields: { index, name: told(labels['name']) } }
  },
  ruleOf: metric => rules.get(metric),
}
