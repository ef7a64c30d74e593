/** `nvidia-smi --query-gpu=… --format=csv…`, with its complaints. */
import { textForm } from '../form'
import { parseSaved } from '../nvidia/saved'

export const nvidiaSmiCsv = textForm({
  name: 'nvidia-smi-csv',
  tool: 'nvidia-smi',
  help: 'one line for each device and sample of `nvidia-smi --query-gpu`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins:
    /(?:timestamp|index|name|uuid|count|driver_version|pstate|(?:gpu|pci|memory|utilization|temperature|power)[._][a-z._]{2,20})(?: \[[^\]\n]{1,10}\])?, ?[a-z]/,
  parse: parseSaved,
})
