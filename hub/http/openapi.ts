/** The endpoints as OpenAPI 3.1, made from the schemas that they answer by: https://spec.openapis.org/oas/v3.1.0 */
import { z } from 'zod'
import { VERSION } from '../../base/version'
import type { Endpoint } from './endpoint'

const failureSchema = z.object({ error: z.string(), fix: z.string().optional() })

/** zod 4 says in JSON Schema 2020-12 what OpenAPI 3.1 takes as it is. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' })
}

const HELP_OF_PART: Readonly<Record<string, string>> = {
  run: 'id of a run',
  import: 'an id of the client’s own making, the same for all files of an import',
}

function parametersOf({ path, query }: Endpoint): object[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: HELP_OF_PART[name],
    schema: { type: 'string' },
  }))
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !schema.safeParse(undefined).success,
    schema: schemaOf(schema, 'output'),
  }))
  return [...inPath, ...inQuery]
}

function operationOf(endpoint: Endpoint): object {
  const { name, help, answers } = endpoint
  const isText = typeof answers === 'string'
  const content = isText
    ? { [answers]: { schema: { type: 'string' } } }
    : { 'application/json': { schema: schemaOf(answers, 'output') } }
  const failure = { description: 'why not, and what to do', content: json(failureSchema) }
  return {
    operationId: name,
    summary: help,
    parameters: parametersOf(endpoint),
    ...(name === 'import-file' && { requestBody: { content: { 'application/octet-stream': {} } } }),
    responses: { 200: { description: help, content }, '4XX': failure, '5XX': failure },
  }
}

const json = (schema: z.ZodType) => ({ 'application/json': { schema: schemaOf(schema, 'output') } })

/** The whole document. */
export function openApiOf(endpoints: Iterable<Endpoint>): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const endpoint of endpoints) {
    const path = endpoint.path.replace(/:(\w+)/g, '{$1}')
    const methods = (paths[path] ??= {})
    methods[(endpoint.method ?? 'GET').toLowerCase()] = operationOf(endpoint)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Plumbline',
      version: VERSION,
      description:
        'Training runs as the hub sees them. Times are Unix seconds, units SI base units, ratios 0 to 1; series are columns of one length with null where a value is absent.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{}, { token: [] }],
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'A viewer’s token, where the hub asks for one: off the loopback always.',
        },
      },
    },
    paths,
  }
}
