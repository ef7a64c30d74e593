import { Command, CommanderError, Option } from 'commander'
import { environmentOf, flagOf, resolveSettings } from '../base/config'
import { messageOf, PlumblineError } from '../base/errors'
import { VERSION } from '../base/version'
import { redact } from '../base/redact'
import { commands } from './index'
import { settings, type PlumblineSettings } from './settings'

const FILE = 'plumbline.yaml'
const SECRETS = ['token', 'viewToken', 'notifySecret']

/** Runs the command line; returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('plumbline')
    .description('Watches live training jobs and holds them against the arithmetic.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
  let exitCode = 0
  for (const entry of commands) {
    const sub = program.command(entry.name).description(entry.help).exitOverride()
    // Only the command in use is loaded: its options are declared then.
    if (argv[0] !== entry.name) continue
    const { command } = await entry.load()
    command.configure(sub)
    for (const key of Object.keys(settings) as (keyof PlumblineSettings)[])
      sub.addOption(settingOption(key).hideHelp(!command.settings.includes(key)))
    if (!sub.options.some(option => option.long === '--json')) sub.option('--json', 'print JSON')
    sub.option('--print-config', 'print every setting and where its value came from, and end')
    sub.action(async () => {
      const options = sub.opts<Record<string, unknown>>()
      const resolved = resolveSettings(settings, options, process.env, FILE)
      if (options['printConfig'] === true) {
        printConfig(resolved, options['json'] === true)
        return
      }
      exitCode = await command.run({ arguments: sub.args, options, settings: resolved.values, resolved })
    })
  }
  try {
    if (argv.length === 0) {
      program.outputHelp()
      return 2
    }
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    return report(error, argv[0] ?? '')
  }
}

function settingOption(key: keyof PlumblineSettings): Option {
  const { help, default: value } = settings[key]
  const isNothing = value === '' || (Array.isArray(value) && value.length === 0)
  const fallback = isNothing ? '' : `; default: ${String(value)}`
  return new Option(`${flagOf(key)} <value>`, `${help} (${environmentOf(key)}${fallback})`)
}

function printConfig(resolved: ReturnType<typeof resolveSettings<typeof settings>>, json: boolean): void {
  const rows = Object.entries(resolved.values).map(([key, value]) => ({
    key,
    // Of a secret it is said that there is one, not which.
    value: SECRETS.includes(key) && value !== '' ? '(set)' : typeof value === 'string' ? redact(value) : value,
    origin: resolved.origin[key as keyof typeof resolved.origin],
  }))
  if (json) console.log(JSON.stringify(Object.fromEntries(rows.map(({ key, ...rest }) => [key, rest])), null, 2))
  else for (const { key, value, origin } of rows) console.log(`${key}: ${JSON.stringify(value)}  # ${origin}`)
}

function report(error: unknown, name: string): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    const [message = '', hint] = error.message.split('\n')
    console.error(`error: ${message.replace(/^error: /, '')}`)
    const help = `plumbline ${commands.get(name) === undefined ? '' : `${name} `}--help`
    // commander adds "(Did you mean --micro?)" on a line of its own.
    const meant = /^\(Did you mean (.*)\?\)$/.exec(hint ?? '')?.[1]
    console.error(`fix: ${meant === undefined ? '' : `${meant}, or `}${help}`)
    return 2
  }
  console.error(`error: ${messageOf(error)}`)
  if (error instanceof PlumblineError) {
    if (error.fix !== undefined) console.error(`fix: ${error.fix}`)
    return error.usage ? 2 : 1
  }
  if (error instanceof Error && process.env['PLUMBLINE_DEBUG'] !== undefined) console.error(error.stack)
  return 1
}
