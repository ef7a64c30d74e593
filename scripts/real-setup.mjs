// Makes the real job possible: torch for the system's Python. Installs it by apt where that is allowed; otherwise says
// loudly what to do, and the tests of the real job skip.
import { spawnSync } from 'node:child_process'

const PACKAGES = ['python3-torch', 'libopenblas0-pthread']
const has = () => spawnSync('/usr/bin/python3', ['-c', 'import torch.distributed'], { stdio: 'ignore' }).status === 0
const apt = (...args) =>
  spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
    .status === 0

if (!has()) {
  if (process.getuid?.() === 0 && spawnSync('which', ['apt-get']).status === 0) {
    console.log(`installing ${PACKAGES.join(' and ')} for the real job …`)
    apt('update')
    apt('install', '-y', '--no-install-recommends', ...PACKAGES)
  }
  if (!has()) {
    console.log(`\n!!! SKIPPED: the real training job, as /usr/bin/python3 has no torch`)
    console.log(`!!! install it with: apt-get install ${PACKAGES.join(' ')}\n`)
  }
}
