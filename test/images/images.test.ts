/** Both images, built from their container files and run: `npm run test:images`. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eventually, freePort, ROOT } from '../plumbline'
import { buildahIn, canBuild, contextIn, done, makeBases } from './bases'

if (!canBuild)
  console.warn('SKIPPED: the images are not built: node scripts/deploy-setup.mjs --images installs buildah, as root')

const configSchema = z.object({
  OCIv1: z.object({
    config: z.object({ User: z.string().optional(), Entrypoint: z.array(z.string()), Cmd: z.array(z.string()) }),
  }),
})
const sizesSchema = z.array(z.object({ names: z.array(z.string()).nullish(), size: z.string() }))

let folder = ''
let port = 0
const started: { child: ChildProcess; ended: Promise<unknown> }[] = []
const buildah = (...args: readonly string[]) => buildahIn(folder)(...args)

/** Runs an image as its entry point says, with `args` for its command, on the machine's network. */
function runImage(image: string, args: readonly string[], environment: readonly string[] = []): ChildProcess {
  const container = buildah('from', image)
  const { config } = configSchema.parse(JSON.parse(buildah('inspect', container))).OCIv1
  const flags = ['run', '--isolation', 'chroot', '--network', 'host', ...environment.flatMap(one => ['--env', one])]
  const command = [...config.Entrypoint, ...(args.length > 0 ? args : config.Cmd)]
  const own = ['--root', join(folder, 'images'), '--runroot', join(folder, 'state'), '--storage-driver', 'vfs']
  const child = spawn('buildah', [...own, ...flags, container, '--', ...command], { stdio: 'inherit', detached: true })
  started.push({ child, ended: new Promise(resolve => child.once('close', resolve)) })
  return child
}

beforeAll(async () => {
  if (!canBuild) return
  folder = mkdtempSync(join(tmpdir(), 'plumbline-images-'))
  port = await freePort()
  done('npm', ['pack', '--pack-destination', folder], ROOT)
  done('node', ['scripts/agent.mjs', '--executable'], ROOT)
  const archive = readdirSync(folder).find(name => name.endsWith('.tgz')) ?? ''
  const program = `dist/alone/plumbline-agent-linux-${process.arch}`
  const context = contextIn(folder, { [archive]: join(folder, archive), [program]: join(ROOT, program) })
  const bases = makeBases(folder)
  const build = (name: string, base: string) =>
    buildah(
      ...['bud', '--isolation', 'chroot', '--network', 'host', '--build-arg', `BASE=${base}`],
      ...['--build-arg', `ARCH=${process.arch}`, '-f', join(ROOT, `deploy/container/${name}.Containerfile`)],
      ...['-t', `plumbline-${name}`, context],
    )
  build('agent', bases.debian)
  build('hub', bases.node)
}, 1_800_000)
afterAll(async () => {
  for (const { child, ended } of started.reverse()) {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
    await ended
  }
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
}, 600_000)

describe.skipIf(!canBuild)('the images', () => {
  it('keep to their size', () => {
    const sizes = sizesSchema.parse(JSON.parse(buildah('images', '--json')))
    const sizeOf = (name: string) => sizes.find(({ names }) => names?.some(one => one.includes(name)) === true)?.size
    console.log(`agent: ${sizeOf('plumbline-agent')}; hub: ${sizeOf('plumbline-hub')}`)
    expect(sizeOf('plumbline-agent')).toMatch(/^\d+(\.\d+)? MB$/)
  })

  it('of the hub answers, not as root, and keeps its data where the volume is', async () => {
    runImage('plumbline-hub', [], [`PLUMBLINE_PORT=${port}`, 'PLUMBLINE_TOKEN=secret', 'PLUMBLINE_VIEW_TOKEN=look'])
    await eventually('the hub', async () => (await fetch(`http://127.0.0.1:${port}/api/health`)).ok, 120_000)
  })

  it('of the agent tells the hub of this machine', async () => {
    runImage('plumbline-agent', ['agent', '--hub', `http://127.0.0.1:${port}`, '--token', 'secret'])
    const headers = { authorization: 'Bearer look' }
    const nodes = await eventually('the node', async () => {
      const answer: unknown = await (await fetch(`http://127.0.0.1:${port}/api/nodes`, { headers })).json()
      return Array.isArray(answer) && answer.length > 0 && answer
    })
    expect(nodes).toHaveLength(1)
  })
})
