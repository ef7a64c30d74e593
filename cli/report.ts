/** `plumbline report`: the post-mortem of a run from the hub, as Markdown, HTML or JSON. */
import { writeFileSync } from 'node:fs'
import { messageOf, PlumblineError } from '../base/errors'
import { defineCommand } from './command'
import { hubDoor, hubText } from './hub-answers'

const FORMS = { markdown: 'post-mortem.md', html: 'post-mortem.html', json: 'post-mortem' } as const
type Form = keyof typeof FORMS

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
    const text = await hubText(hubDoor(settings), `/api/runs/${encodeURIComponent(run)}/${FORMS[form]}`)
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
