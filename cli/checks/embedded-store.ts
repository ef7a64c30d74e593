/** What the hub keeps its data in: a ClickHouse server, or the one that comes with the package. */
import { access, constants } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { failed, ok, type Check } from './check'

/** Folder of the package that carries chdb's library for this machine; undefined where it is not installed. */
function chdbLibrary(): string | undefined {
  const require = createRequire(import.meta.url)
  for (const suffix of ['-gnu', '-musl', '']) {
    try {
      return require
        .resolve(`@chdb/lib-${process.platform}-${process.arch}${suffix}/package.json`)
        .replace(/package\.json$/, '')
    } catch {
      // Not this one.
    }
  }
  return undefined
}

export const store: Check = {
  name: 'store',
  needed: false,
  async run(_host, settings) {
    if (settings.store !== '') return ok(`ClickHouse at ${settings.store.replace(/\/\/[^@/]*@/, '//')}`)
    const folder = chdbLibrary()
    if (folder === undefined) {
      return failed(
        `the embedded store (chdb) has no library for ${process.platform} ${process.arch} here`,
        'npm ci without --omit=optional; or name a ClickHouse server with --store URL (an agent alone needs neither)',
      )
    }
    await access(join(folder, 'libchdb.so'), constants.R_OK).catch(() => access(folder, constants.R_OK))
    return ok('embedded (chdb)')
  },
}
