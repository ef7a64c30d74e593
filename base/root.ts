import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The nearest folder from here up whose package.json is Plumbline's. */
function upwards(folder: string): string | undefined {
  const manifest = join(folder, 'package.json')
  if (existsSync(manifest) && /"name":\s*"plumbline"/.test(readFileSync(manifest, 'utf8'))) return folder
  const parent = dirname(folder)
  return parent === folder ? undefined : upwards(parent)
}

const here = dirname(fileURLToPath(import.meta.url))

/** The folder of this installation, from source as from the bundle in `dist/`; of the agent alone the one that it lies in. */
export const packageRoot: string = upwards(here) ?? here
