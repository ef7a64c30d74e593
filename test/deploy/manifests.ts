/** Kubernetes' own schemas for the kinds that we deploy. */
import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet'
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import { Pod } from 'kubernetes-models/v1/Pod'
import { Secret } from 'kubernetes-models/v1/Secret'
import { Service } from 'kubernetes-models/v1/Service'
import { parseAllDocuments } from 'yaml'

const KINDS = { DaemonSet, StatefulSet, Pod, Secret, Service }

export interface Manifest {
  readonly kind: string
  readonly apiVersion: string
  readonly [member: string]: unknown
}

function isManifest(value: unknown): value is Manifest {
  return typeof value === 'object' && value !== null && 'kind' in value && 'apiVersion' in value
}

/** The documents of a YAML text, each held against the schema of its kind. Throws where one breaks it, or is of no known kind. */
export function checkedManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1' }).flatMap(document => {
    if (document.errors.length > 0) throw document.errors[0]
    const value: unknown = document.toJS()
    if (value === null) return []
    if (!isManifest(value)) throw new Error(`no manifest: ${JSON.stringify(value)}`)
    const Model = Object.entries(KINDS).find(([kind]) => kind === value.kind)?.[1]
    if (Model === undefined) throw new Error(`no schema for ${value.kind}`)
    new Model(value as never).validate()
    return [value]
  })
}
