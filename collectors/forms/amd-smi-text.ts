/** What `amd-smi` prints for people. */
import { parseSmiText } from '../amd/smi-text'
import { textForm } from '../form'

export const amdSmiText = textForm({
  name: 'amd-smi-text',
  tool: 'amd-smi',
  help: 'blocks and tables of `amd-smi`: metric, static, list, process, monitor, topology, xgmi, partition',
  origin: 'https://rocm.docs.amd.com/projects/amdsmi/en/latest/how-to/amdsmi-cli-tool.html',
  begins:
    /(?:TIMESTAMP: \d{9,11}[^\n]{0,12}\n)?GPU: \d{1,4}\s{0,20}\n|(?:TIMESTAMP {2,20})?GPU {1,8}(?:XCP|POWER|PWR|GPU_T|TEMP|VRAM|GFX|MEM)|\+-{20,200}\+\n\| AMD-SMI /,
  claims: ({ text }) => parseSmiText(text) !== undefined,
  parse: parseSmiText,
})
