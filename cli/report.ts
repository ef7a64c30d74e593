/** `plumbline report`: the post-mortem of a run from the hub, as Markdown, HTML or JSON. */
import { writeFileSync } from 'node:fs'
import { messageOf, PlumblineError } from '../base/errors'
import { defineCommand } from './command'
import { hubUrl } from './settings'

const FORMS = { markdown: 'post-mortem.md', html: 'post-mortem.html', json: 'post-mortem' } as const
type Form = keyof typeof FORMS

/** What the hub answers; throws what it says where it is no answer. */
async function ask(hub: string, token: string, run: string, form: Form): Promise<string> {
  const url = `${hub}/api/runs/${encodeURIComponent(run)}/${FORMS[form]}`
  let response: Response
  try {
    const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
    response = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) })
  } catch (error) {
    throw new PlumblineError(`no hub answers at ${hub}: ${messageOf(error)}`, {
      fix: 'start one with `plumbline start`, or name it with --hub',
    })
  }
  const text = await response.text()
  if (response.ok) return text
  const said: unknown = JSON.parse(text)
  const { error, fix } = said as { error?: string; fix?: string }
  throw new PlumblineError(error ?? `the hub answered ${response.status}`, { fix: fix ?? 'see the list of runs at /' })
}

export const command = defineCommand({
  settings: ['hub', 'port', 'token', 'viewToken'],
  configure: command => {
    command
      .argument('<run>', 'the id of the run, as its page’s address has it')
      .option('--html', 'one HTML file that needs nothing else')
      .option('--output <file>', 'write it there instead of to standard output')
  },
  async run({ arguments: [run = ''], options, settings }) {
    const form: Form = options['json'] === true ? 'json' : options['html'] === true ? 'html' : 'markdown'
    const token = settings.viewToken === '' ? settings.token : settings.viewToken
    const text = await ask(hubUrl(settings).replace(/\/+$/, ''), token, run, form)
    const { output } = options
    if (typeof output !== 'string') process.stdout.write(form === 'json' ? `${text}\n` : text)
    else {
      try {
        writeFileSync(output, text)
      } catch (error) {
        throw new PlumblineError(`${output} cannot be written: ${messageOf(error)}`, { fix: 'choose another --output' })
      }
      console.error(`wrote ${output}`)
    }
    return 0
  },
})
