/** A folder of the embedded store, kept as it is before its tables change. */
import { existsSync } from 'node:fs'
import { copyFile, link, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Files of a part's columns are written once and never again: a second name for them is a copy that costs nothing. */
const WRITTEN_ONCE = /\.(bin|c?mrk\d?|c?idx)$/

/** Links what is written once and copies the rest to `to`; what is there already is of an upgrade that was cut off, and better. */
export async function backUp(from: string, to: string): Promise<void> {
  if (existsSync(to)) return
  const begun = `${to}.begun`
  await rm(begun, { recursive: true, force: true })
  await copyTree(from, begun)
  await rename(begun, to)
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyTree(source, target)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else if (entry.isFile()) await (WRITTEN_ONCE.test(entry.name) ? link(source, target) : copyFile(source, target))
  }
}
