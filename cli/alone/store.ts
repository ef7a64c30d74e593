/** In place of `cli/store.ts` in the agent alone, which has none. */
export { command } from './start'
