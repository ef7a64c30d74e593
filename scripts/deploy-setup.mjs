// Programs that tests of several hubs and of deploy/ need, by apt as root; without them those are skipped with a line that says so.
//   node scripts/deploy-setup.mjs            Redis, Prometheus and shellcheck
//   node scripts/deploy-setup.mjs --chart    Go and its template functions as well, to render the Helm chart
//   node scripts/deploy-setup.mjs --slurm    Slurm as well
//   node scripts/deploy-setup.mjs --images   buildah as well, for the container images
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const has = program => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const wanted = []
if (!has('redis-server')) wanted.push('redis-server')
if (!has('promtool') || !has('prometheus')) wanted.push('prometheus')
if (!has('shellcheck')) wanted.push('shellcheck')
if (process.argv.includes('--chart')) {
  if (!has('go')) wanted.push('golang-go')
  if (!existsSync('/usr/share/gocode/src/github.com/Masterminds/sprig'))
    wanted.push('golang-github-masterminds-sprig-dev', 'golang-k8s-sigs-yaml-dev')
}
if (process.argv.includes('--slurm') && !has('slurmd')) wanted.push('slurmctld', 'slurmd', 'slurm-client', 'munge')
if (process.argv.includes('--images') && !has('buildah')) wanted.push('buildah')
if (wanted.length > 0) {
  if (process.getuid?.() === 0 && has('apt-get')) {
    console.log(`installing ${wanted.join(', ')} (once) …`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const apt = (...args) => spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], { env })
    apt('update', '-qq')
    const { status, stderr } = apt('install', '-y', '--no-install-recommends', ...wanted)
    if (status !== 0) console.log(String(stderr).trim().split('\n').slice(-3).join('\n'))
  } else console.log(`not installed: ${wanted.join(', ')}; as root: apt-get install ${wanted.join(' ')}`)
}
