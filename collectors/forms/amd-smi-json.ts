/** `amd-smi … --json`. */
import { parseSmiJson } from '../amd/smi-json'
import { textForm } from '../form'

export const amdSmiJson = textForm({
  name: 'amd-smi-json',
  tool: 'amd-smi',
  help: 'what `amd-smi --json` says of each device: metric, static, list, monitor, process, topology',
  origin: 'https://rocm.docs.amd.com/projects/amdsmi/en/latest/how-to/amdsmi-cli-tool.html',
  claims: ({ text }) => parseSmiJson(text) !== undefined,
  parse: parseSmiJson,
})
