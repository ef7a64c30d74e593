/** `nvidia-smi --query-gpu=… --format=csv…`, with its complaints. */
import { textForm } from '../form'
import { parseSaved } from '../nvidia/saved'

export const nvidiaSmiCsv = textForm({
  name: 'nvidia-smi-csv',
  tool: 'nvidia-smi',
  help: 'one line for each device and sample of `nvidia-smi --query-gpu`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  parse: parseSaved,
})
