/** What Plumbline itself stands on: Node and the data folder. */
import { existsSync } from 'node:fs'
import { mkdir, rm, rmdir, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf } from '../../base/errors'
import { format } from '../../base/units'
import { failed, ok, type Check } from './check'

const LEAST_NODE = [20, 9] as const
const LEAST_FREE_BYTES = 1024 ** 3

export const node: Check = {
  name: 'node',
  needed: true,
  run() {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    const enough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])
    const detail = `Node.js ${process.versions.node} on ${process.platform} ${process.arch}`
    return Promise.resolve(enough ? ok(detail) : failed(detail, `install Node.js ${LEAST_NODE.join('.')} or newer`))
  },
}

/**
 * Makes a folder and those above it, one by one, and says which were made. Not `recursive`: that of Node.js 20 never ends
 * below a folder such as /proc, where making one fails as if its parent were missing.
 */
async function makeFolders(folder: string): Promise<string[]> {
  if ((await stat(folder).catch(() => undefined))?.isDirectory() === true) return []
  const above = dirname(folder) === folder ? [] : await makeFolders(dirname(folder))
  // Another process, or another check, may make it at the same moment.
  const isOurs = await mkdir(folder).then(
    () => true,
    error => {
      if (!existsSync(folder)) throw error
      return false
    },
  )
  return isOurs ? [...above, folder] : above
}

/** Writes and removes a file, and leaves no folder behind that was not there. */
async function tryWriting(data: string): Promise<number> {
  const made = await makeFolders(resolve(data))
  try {
    const probe = join(data, `.doctor-${process.pid}`)
    await writeFile(probe, '')
    await rm(probe)
    const disk = await statfs(data)
    return disk.bavail * disk.bsize
  } finally {
    for (const folder of made.reverse()) await rmdir(folder).catch(() => undefined)
  }
}

export const dataFolder: Check = {
  name: 'data folder',
  needed: true,
  async run(_host, { data }) {
    let free: number
    try {
      free = await tryWriting(data)
    } catch (error) {
      return failed(`${data} cannot be written (${messageOf(error)})`, 'name a folder of your own with --data DIR')
    }
    if (free < LEAST_FREE_BYTES)
      return failed(`${data} has ${format(free, 'bytes')} left`, 'free some space, or name another with --data DIR')
    return ok(`${data}, ${format(free, 'bytes')} free`)
  },
}
