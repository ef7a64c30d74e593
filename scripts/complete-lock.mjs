// Some registry mirrors lack the binaries of other platforms. npm then drops them from the lock, and the next `npm ci`
// fails with "Missing: … from lock file". This writes the dropped optional packages back, with the exact version that
// their parent asks for. Run after any `npm install` that touches the lock; prints what it added.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const packages = lock.packages
const libcOf = name => (name.endsWith('-gnu') ? ['glibc'] : name.endsWith('-musl') ? ['musl'] : undefined)

for (const entry of Object.values({ ...packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const target = /(darwin|linux|win32|freebsd|android)-(arm64|x64|arm|ia32)/.exec(name)
    if (packages[`node_modules/${name}`] !== undefined || target === null) continue
    packages[`node_modules/${name}`] = {
      version,
      cpu: [target[2]],
      ...(entry.dev && { dev: true }),
      ...(libcOf(name) && { libc: libcOf(name) }),
      optional: true,
      os: [target[1]],
    }
    console.log(`lock: added ${name}@${version}`)
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
