/** What `rocm-smi` prints for people. */
import { parseRocmText } from '../amd/rocm-text'
import { textForm } from '../form'

export const rocmSmiText = textForm({
  name: 'rocm-smi-text',
  tool: 'rocm-smi',
  help: 'tables and lines of `rocm-smi`, from its concise table to --showallinfo',
  origin: 'https://rocm.docs.amd.com/projects/rocm_smi_lib/en/latest/',
  begins: / {0,40}={3,60} {0,8}ROCm System Management Interface {0,8}={3,60}/,
  claims: ({ text }) => parseRocmText(text) !== undefined,
  parse: parseRocmText,
})
