/** What `rocm-smi` prints for people. */
import { parseRocmText } from '../amd/rocm-text'
import { textForm } from '../form'

export const rocmSmiText = textForm({
  name: 'rocm-smi-text',
  tool: 'rocm-smi',
  help: 'tables and lines of `rocm-smi`, from its concise table to --showallinfo',
  origin: 'https://rocm.docs.amd.com/projects/rocm_smi_lib/en/latest/',
  claims: ({ text }) => parseRocmText(text) !== undefined,
  parse: parseRocmText,
})
