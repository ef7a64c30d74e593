/** Programs as they are shipped: what is measured must not be the compiler. */
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { packageRoot } from '../../base/root'

/** Into a folder below the package, so that the bundle finds the packages that it leaves out. Gives the path of the program. */
export async function bundle(folder: string, entry = 'cli/entry.ts'): Promise<string> {
  await build({
    absWorkingDir: packageRoot,
    entryPoints: [entry],
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    outExtension: { '.js': '.mjs' },
    external: ['*.node'],
    logLevel: 'error',
  })
  return join(folder, basename(entry).replace(/\.ts$/, '.mjs'))
}
