/**
 * The images that the container files build on, where no registry of images is reached: of the same Debian's packages, and of
 * the Node.js and npm that run this. Chroot isolation: no daemon, and nothing of the kernel that a sandbox may lack. As root.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const PROGRAMS = ['buildah', 'apt-get', 'dpkg-deb']
export const canBuild =
  process.getuid?.() === 0 && PROGRAMS.every(name => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0)

const PACKAGES = [
  ...['base-files', 'dash', 'coreutils', 'util-linux', 'ca-certificates'],
  ...[
    'libc6',
    'libgcc-s1',
    'libstdc++6',
    'libacl1',
    'libattr1',
    'libselinux1',
    'libpcre2-8-0',
    'libgmp10',
    'libtinfo6',
  ],
]

/** A command to its end; its output. Throws with what it printed where it fails. */
export function done(command: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`)
  return stdout.trim()
}

/** `buildah` with its images and containers in a folder of their own. */
export function buildahIn(folder: string): (...args: readonly string[]) => string {
  const own = ['--root', join(folder, 'images'), '--runroot', join(folder, 'state'), '--storage-driver', 'vfs']
  return (...args) => done('buildah', [...own, ...args])
}

function debian(folder: string): string {
  const [packages, root] = [join(folder, 'packages'), join(folder, 'debian')]
  for (const path of [packages, root]) mkdirSync(path)
  done('apt-get', ['download', '-o', 'APT::Sandbox::User=root', ...PACKAGES], packages)
  for (const name of readdirSync(packages)) done('dpkg-deb', ['-x', join(packages, name), root])
  if (!existsSync(join(root, 'bin/sh'))) symlinkSync('dash', join(root, 'bin/sh'))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnode:x:1000:\n')
  cpSync('/etc/ssl/certs', join(root, 'etc/ssl/certs'), { recursive: true, dereference: true })
  return root
}

/** What npm here is told of certificates, for the npm in there. */
function npmSettings(root: string): void {
  const file = done('npm', ['config', 'get', 'cafile'])
  if (!existsSync(file)) return
  copyFileSync(file, join(root, 'usr/local/etc/npm-certificates.pem'))
  writeFileSync(join(root, 'root/.npmrc'), 'cafile=/usr/local/etc/npm-certificates.pem\n')
}

function withNode(root: string): void {
  for (const path of ['bin', 'etc', 'lib/node_modules']) mkdirSync(join(root, 'usr/local', path), { recursive: true })
  copyFileSync(process.execPath, join(root, 'usr/local/bin/node'))
  const npm = resolve(done('sh', ['-c', 'readlink -f "$(command -v npm)"']), '../..')
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'))
  npmSettings(root)
}

/** Builds both into the store of `folder`: of `agent.Containerfile` and of `hub.Containerfile`. */
export function makeBases(folder: string): { debian: string; node: string } {
  const buildah = buildahIn(folder)
  const root = debian(folder)
  const commit = (name: string) => {
    const container = buildah('from', 'scratch')
    buildah('add', container, root, '/')
    // Named in full: `debian` alone is an alias of another registry's where the system has a list of them.
    const image = `localhost/${name}`
    buildah('commit', container, image)
    buildah('rm', container)
    return image
  }
  const plain = commit('debian')
  withNode(root)
  return { debian: plain, node: commit('node') }
}

/** Folder that holds what a container file copies. */
export function contextIn(folder: string, files: Readonly<Record<string, string>>): string {
  const context = join(folder, 'context')
  for (const [place, from] of Object.entries(files)) {
    mkdirSync(dirname(join(context, place)), { recursive: true })
    copyFileSync(from, join(context, place))
  }
  return context
}
