/** `plumbline hook`: where `plumbline_hook.py` lies, for launchers other than `plumbline run`. */
import { defineCommand } from './command'
import { hookFolder } from './hook-folder'

export const command = defineCommand({
  settings: ['data'],
  configure: () => undefined,
  run({ options, settings }) {
    const folder = hookFolder(settings.data)
    console.log(options['json'] === true ? JSON.stringify({ folder }) : folder)
    return Promise.resolve(0)
  },
})
