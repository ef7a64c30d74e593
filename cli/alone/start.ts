/** In place of `cli/start.ts` in the agent alone: the hub's store and page are not in one file. */
import { PlumblineError } from '../../base/errors'
import { defineCommand } from '../command'

export const command = defineCommand({
  settings: [],
  configure: command => void command.allowUnknownOption().allowExcessArguments(),
  run() {
    throw new PlumblineError('this is the agent alone: it has no hub', {
      fix: 'start the hub on its machine with `npx plumbline start`, then here `agent --hub http://HUB:3000`',
    })
  },
})
