/** What holds for every file below `deploy/`: each has a check for its kind, and names only settings that there are. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DockerfileParser } from 'dockerfile-ast'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { environmentOf } from '../../base/config'
import { commands } from '../../cli/index'
import { settings } from '../../cli/settings'
import { dashboards } from '../../scripts/dashboards'
import { checkedManifests } from '../deploy/manifests'
import { ROOT } from '../plumbline'

const DEPLOY = join(ROOT, 'deploy')
const files = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name).slice(DEPLOY.length + 1))
  .sort()
const read = (file: string) => readFileSync(join(DEPLOY, file), 'utf8')
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** Variables of our scripts and of the hook, which are no settings. */
const OWN = ['RUN', 'HOOK_DIR', 'POD_LABELS', 'ENV', 'AGENT', 'LINGER'].map(name => `PLUMBLINE_${name}`)
const known = new Set([...Object.keys(settings).map(environmentOf), ...OWN])

function checkScript(file: string): void {
  expect(spawnSync('bash', ['-n', join(DEPLOY, file)]).status).toBe(0)
  if (!has('shellcheck')) return
  const { status, stdout } = spawnSync('shellcheck', [join(DEPLOY, file)], { encoding: 'utf8' })
  expect(status, stdout).toBe(0)
}

function checkUnit(file: string): void {
  expect(read(file)).toMatch(/^\[Unit\][^]*^\[Service\][^]*^\[Install\]/m)
  if (!has('systemd-analyze')) return
  const { stderr } = spawnSync('systemd-analyze', ['verify', join(DEPLOY, file)], { encoding: 'utf8' })
  // The program itself is not installed on the machine of the tests.
  expect(stderr.split('\n').filter(line => line !== '' && !line.includes('is not executable'))).toEqual([])
}

const KEYWORDS = 'FROM ARG COPY ENV RUN VOLUME USER EXPOSE HEALTHCHECK ENTRYPOINT CMD'.split(' ')
function checkContainer(file: string): void {
  const dockerfile = DockerfileParser.parse(read(file))
  const instructions = dockerfile.getInstructions()
  expect(instructions.map(one => one.getKeyword()).filter(word => !KEYWORDS.includes(word))).toEqual([])
  const [command = ''] = JSON.parse(dockerfile.getCMDs().at(-1)?.getArgumentsContent() ?? '[]') as string[]
  expect(commands.names).toContain(command)
  for (const copy of dockerfile.getCOPYs()) {
    const [source = ''] = copy.getArguments().map(argument => argument.getValue())
    expect(source).toMatch(/^(dist\/alone\/plumbline-agent-linux-|plumbline-\*\.tgz$)/)
  }
}

/** Every value that the templates use is in values.yaml, and every value there is used. */
function checkValues(file: string): void {
  const templates = files.filter(name => name.startsWith(join(file, '../templates'))).map(read)
  const used = new Set(templates.join('\n').match(/(?<=\.Values\.)[\w.]+/g))
  const leaves = (value: unknown, path: string): string[] =>
    typeof value === 'object' && value !== null && !used.has(path)
      ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, path === '' ? name : `${path}.${name}`))
      : [path]
  expect(leaves(parse(read(file)), '').sort()).toEqual([...used].sort())
}

/** Made from the catalogue, and as it is now. */
function checkDashboard(file: string): void {
  expect(read(file), 'run npm run dashboards').toBe(dashboards().get(file.replace('grafana/', '')))
}

/** Every server that the configuration names is a service, and every file that is mounted is there. */
function checkCompose(file: string): void {
  const { services } = parse(read(file), { merge: true }) as { services: Record<string, { volumes?: string[] }> }
  const hosts = [...read(join(file, '../config.xml')).matchAll(/<host>([^<]+)<\/host>/g)].map(([, host = '']) => host)
  expect(Object.keys(services)).toEqual(expect.arrayContaining(hosts))
  const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.filter(one => one.startsWith('./')))
  for (const one of mounted) expect(files).toContain(join(file, '..', one.split(':')[0] ?? ''))
}

/** Every hub that it balances is a service. */
function checkBalancer(file: string): void {
  const { services } = parse(read(join(file, '../compose.yaml')), { merge: true }) as { services: object }
  const hosts = [...read(file).matchAll(/^ *server \S+ ([\w-]+):/gm)].map(([, host = '']) => host)
  expect(hosts.length).toBeGreaterThan(1)
  expect(Object.keys(services)).toEqual(expect.arrayContaining(hosts))
}

/** Elements that are opened are closed. */
function checkXml(file: string): void {
  const open: string[] = []
  for (const [, end, name = '', alone] of read(file)
    .replace(/<!--[^]*?-->/g, '')
    .matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g))
    if (end === '/') expect(open.pop()).toBe(name)
    else if (alone === '') open.push(name)
  expect(open).toEqual([])
}

/** How each kind of file is checked; what is rendered or loaded by its own program has a test in `test/deploy/`. */
const CHECKS: readonly (readonly [file: RegExp, check: (file: string) => void])[] = [
  [/\.sh$/, checkScript],
  [/\.service$/, checkUnit],
  [/\.env$/, file => expect(read(file)).toMatch(/^(#.*\n|[A-Z_]+=\S+\n)+$/)],
  [/Containerfile$/, checkContainer],
  [/compose\.yaml$/, checkCompose],
  [/balancer\.cfg$/, checkBalancer],
  [/\.xml$/, checkXml],
  [/values\.yaml$/, checkValues],
  [/^prometheus\//, file => expect(parse(read(file))).toBeTypeOf('object')],
  [/^grafana\//, checkDashboard],
  [/^kubernetes\/.*\.yaml$/, file => void checkedManifests(read(file))],
  [/Chart\.yaml$|helm\/.*templates\//, () => expect(existsSync(join(ROOT, 'test/deploy/chart.test.ts'))).toBe(true)],
  [/README\.md$/, file => expect(read(file).length).toBeGreaterThan(100)],
]

describe.each(files)('deploy/%s', file => {
  it('passes the check of its kind', () => {
    const check = CHECKS.find(([pattern]) => pattern.test(file))?.[1]
    if (check === undefined)
      throw new Error(`there is no check for deploy/${file}: add one in test/laws/deploy.test.ts`)
    check(file)
  })

  it('names only settings that there are', () => {
    const named = read(file).match(/(?<![\w.])PLUMBLINE_[A-Z_]+/g) ?? []
    expect(named.filter(name => !known.has(name))).toEqual([])
  })
})

describe('deploy/README.md', () => {
  it('names every folder', () => {
    const folders = new Set(files.filter(file => file.includes('/')).map(file => file.split('/')[0] ?? ''))
    for (const folder of folders) expect(read('README.md')).toContain(`(${folder})`)
  })
})
