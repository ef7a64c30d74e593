/** Cards of the driver amdgpu on this node, in the order in which rocm-smi numbers them. */
import type { Host } from '../host'
import { FILES, SENSOR_FILES } from './sysfs'

const DRM = '/sys/class/drm'
/** What changes with configuration or errors alone is read so seldom. */
const SELDOM_SECONDS = 15
const OFTEN = /^(?:gpu_busy|mem_busy|mem_info_vram_used|pp_dpm_|power1_(?:input|average)|freq|temp\d_input)/

export interface Card {
  readonly index: number
  readonly folder: string
  readonly sensors: string | undefined
}

const numberOf = (name: string) => Number(name.slice(4))

export async function findCards(host: Host): Promise<Card[]> {
  const names = (await host.list(DRM)).filter(name => /^card\d{1,4}$/.test(name))
  const folders: string[] = []
  for (const name of names.sort((a, b) => numberOf(a) - numberOf(b))) {
    const folder = `${DRM}/${name}/device`
    if (/^DRIVER=amdgpu$/m.test((await host.read(`${folder}/uevent`)) ?? '')) folders.push(folder)
  }
  return Promise.all(
    folders.map(async (folder, index) => {
      const sensors = (await host.list(`${folder}/hwmon`)).find(name => /^hwmon\d{1,4}$/.test(name))
      return { index, folder, sensors: sensors === undefined ? undefined : `${folder}/hwmon/${sensors}` }
    }),
  )
}

/** The files of one card by name, with those that seldom change kept between reads. */
export class CardFiles {
  private seldom = new Map<string, string>()
  private seldomAt = -Infinity

  constructor(readonly card: Card) {}

  /** Undefined while the device sleeps: reading its sensors would wake it up. */
  async read(host: Host): Promise<ReadonlyMap<string, string> | undefined> {
    const { folder, sensors } = this.card
    if ((await host.read(`${folder}/power/runtime_status`))?.trim() === 'suspended') return undefined
    const now = host.now()
    const due = Math.abs(now - this.seldomAt) >= SELDOM_SECONDS
    const paths = [
      ...FILES.map(name => [name, `${folder}/${name}`] as const),
      ...(sensors === undefined ? [] : SENSOR_FILES.map(name => [name, `${sensors}/${name}`] as const)),
    ].filter(([name]) => due || OFTEN.test(name))
    const texts = await Promise.all(paths.map(async ([name, path]) => [name, await host.read(path, 65_536)] as const))
    const read = texts.filter((entry): entry is readonly [string, string] => entry[1] !== undefined)
    if (due) {
      this.seldom = new Map(read.filter(([name]) => !OFTEN.test(name)))
      this.seldomAt = now
    }
    return new Map([...this.seldom, ...read])
  }
}
