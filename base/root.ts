import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function upwards(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const parent = dirname(folder)
  if (parent === folder) throw new Error('Plumbline’s own package.json was not found')
  return upwards(parent)
}

/** The folder of this installation, from source as from the bundle in `dist/`. */
export const packageRoot: string = upwards(dirname(fileURLToPath(import.meta.url)))
