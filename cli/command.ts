/** The contract of a sub-command: one file per command, one line in `index.ts`. */
import type { Command } from 'commander'
import type { Resolved } from '../base/config'
import type { PlumblineSettings, settings } from './settings'

export interface Invocation {
  readonly arguments: readonly string[]
  /** The command's own options (not the settings), camelCase. */
  readonly options: Readonly<Record<string, unknown>>
  readonly settings: PlumblineSettings
  readonly resolved: Resolved<typeof settings>
}

export interface CliCommand {
  /** What its help shows of the settings. The others are taken all the same: one configuration serves every command. */
  readonly settings: readonly (keyof PlumblineSettings)[]
  /** Declares arguments and own options. Settings, `--json` and `--print-config` are there already. */
  configure(command: Command): void
  /** Runs to the end; the result is the exit code: 0 ok, 1 the thing asked about is bad. Throws PlumblineError for the rest. */
  run(invocation: Invocation): Promise<number>
}

export function defineCommand(command: CliCommand): CliCommand {
  return command
}
