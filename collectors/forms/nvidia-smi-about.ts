/** What nvidia-smi tells of itself: `--version`, `--help-query-gpu`. It says nothing of a device. */
import { textForm } from '../form'
import { readLines } from '../nvidia/lines'

/** From driver 610 on two names only say by which others they were replaced. */
const VERSION =
  /^(?:NVIDIA-SMI|NVML|DRIVER|CUDA|KMD|CUDA UMD) version {1,8}: (?:\S{1,40}|Deprecated, see "[\w ]{1,40}" instead)\s*$/i
const HELP = /^List of valid properties to query for the switch "--query-[\w-]{1,60}/
const TITLE = /^(?:Section about |"|List of valid )/

export const nvidiaSmiAbout = textForm({
  name: 'nvidia-smi-about',
  tool: 'nvidia-smi',
  help: 'its versions and the list of its fields, of `nvidia-smi --version` and `--help-query-gpu`: no device',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  claims: ({ text }) => {
    const first = text.trimStart().split(/\r?\n/, 1)[0] ?? ''
    return VERSION.test(first.slice(0, 200)) || HELP.test(first.slice(0, 200))
  },
  parse(text) {
    const isHelp = HELP.test(text.trimStart().slice(0, 200))
    // Of its sentences each line is one that a person reads.
    return readLines(
      text,
      line =>
        VERSION.test(line.slice(0, 200)) || (isHelp && (TITLE.test(line) || /^[A-Z].* /.test(line.slice(0, 400)))),
    )
  },
})
