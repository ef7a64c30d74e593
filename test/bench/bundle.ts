/** The command line as one program, as it is shipped: what is measured must not be the compiler. */
import { join } from 'node:path'
import { build } from 'esbuild'
import { packageRoot } from '../../base/root'

/** Into a folder below the package, so that the bundle finds the packages that it leaves out. Gives the path of its entry. */
export async function bundle(folder: string): Promise<string> {
  await build({
    absWorkingDir: packageRoot,
    entryPoints: ['cli/entry.ts'],
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
  return join(folder, 'entry.mjs')
}
