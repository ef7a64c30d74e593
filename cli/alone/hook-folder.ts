/** In place of `cli/hook-folder.ts` in the agent alone, which carries the hook inside and unpacks it where it is needed. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VERSION } from '../../base/version'
import source from '../../hook/plumbline_hook.py'

/** Unpacks the hook below the data folder unless the same is there. Where it cannot be written, jobs run without the hook. */
export function hookFolder(data: string): string {
  const folder = join(data, `hook-${VERSION}`)
  const file = join(folder, 'plumbline_hook.py')
  if (existsSync(file) && readFileSync(file, 'utf8') === source) return folder
  try {
    mkdirSync(folder, { recursive: true })
    // Jobs that start at once must not see half a file.
    const whole = `${file}.${process.pid}`
    writeFileSync(whole, source)
    renameSync(whole, file)
  } catch {
    // A folder without the hook does no harm on PYTHONPATH; `doctor` says that it is missing.
  }
  return folder
}
