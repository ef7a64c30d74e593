/** `rocm-smi … --json`: an object of cards, each an object of names and values. */
import { textForm } from '../form'
import { parseRocmJson } from '../amd/rocm-json'

export const rocmSmiJson = textForm({
  name: 'rocm-smi-json',
  tool: 'rocm-smi',
  help: 'what `rocm-smi --json` says of each device, of all versions',
  origin: 'https://github.com/ROCm/rocm_smi_lib/blob/amd-staging/python_smi_tools/rocm_smi.py',
  claims: ({ text }) => parseRocmJson(text) !== undefined,
  parse: parseRocmJson,
})
