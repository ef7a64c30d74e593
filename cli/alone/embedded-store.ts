/** In place of `cli/checks/embedded-store.ts` in the agent alone: the data are the hub's to keep. */
import type { Check } from '../checks/check'

export const store: Check = {
  name: 'store',
  needed: false,
  run: () => Promise.resolve({ state: 'absent', detail: 'none, and none needed: this is the agent alone' }),
}
