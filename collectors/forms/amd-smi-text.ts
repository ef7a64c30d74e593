/** What `amd-smi` prints for people. */
import { parseSmiText } from '../amd/smi-text'
import { textForm } from '../form'

export const amdSmiText = textForm({
  name: 'amd-smi-text',
  tool: 'amd-smi',
  help: 'blocks and tables of `amd-smi`: metric, static, list, process, monitor, topology, xgmi, partition',
  origin: 'https://rocm.docs.amd.com/projects/amdsmi/en/latest/how-to/amdsmi-cli-tool.html',
  claims: ({ text }) => parseSmiText(text) !== undefined,
  parse: parseSmiText,
})
