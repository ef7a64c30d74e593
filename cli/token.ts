import { mkdirSync } from 'node:fs'
import { PlumblineError } from '../base/errors'
import { addToken, readTokens, removeToken } from '../hub/access/tokens'
import { ROLES, type Role } from '../wire/api'
import { defineCommand } from './command'

const roleOf = (text: unknown): Role => {
  const role = ROLES.find(name => name === text)
  if (role !== undefined) return role
  throw new PlumblineError(`there is no role "${String(text)}"`, {
    fix: `use one of: ${ROLES.join(', ')}`,
    usage: true,
  })
}

function nameOf(name: string | undefined): string {
  if (name !== undefined) return name
  throw new PlumblineError('which token', { fix: 'plumbline token add NAME --role view', usage: true })
}

function list(data: string, json: boolean): void {
  const tokens = readTokens(data).map(({ name, role, since }) => ({ name, role, since }))
  if (json) return console.log(JSON.stringify(tokens, null, 2))
  if (tokens.length === 0)
    return console.log('no token was given out; those of --token and --view-token are not listed')
  for (const { name, role, since } of tokens)
    console.log(`${name.padEnd(24)} ${role.padEnd(9)} since ${new Date(since * 1000).toISOString()}`)
}

export const command = defineCommand({
  settings: ['data'],
  configure(command) {
    command
      .argument('<action>', 'add, list or remove')
      .argument('[name]', 'whose it is: a person, a cluster, a program')
      .option('--role <role>', `what it allows: ${ROLES.join(', ')}`, 'view')
      .addHelpText(
        'after',
        `
Run it where the hub's data folder is; a hub that runs knows the change within a second. Only hashes are kept.
To change a secret without a gap: add a new one, give it out, remove the old one.`,
      )
  },
  run({ arguments: [action, name], options, settings }) {
    mkdirSync(settings.data, { recursive: true })
    if (action === 'list') list(settings.data, options['json'] === true)
    else if (action === 'remove') removeToken(settings.data, nameOf(name))
    else if (action === 'add') {
      const secret = addToken(settings.data, nameOf(name), roleOf(options['role']))
      console.log(options['json'] === true ? JSON.stringify({ name, secret }) : secret)
      console.error('plumbline: this is the only time that it is shown')
    } else throw new PlumblineError(`there is no "${action}"`, { fix: 'use add, list or remove', usage: true })
    return Promise.resolve(0)
  },
})
