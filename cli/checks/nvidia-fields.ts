/** Which of the figures that Plumbline wants this NVIDIA driver knows. */
import { chooseQuery, knownNames, wanted } from '../../collectors/nvidia/fields'
import { complaintOf, runOnce } from '../../collectors/nvidia/stream'
import { absent, failed, ok, type Check } from './check'

export const nvidiaFields: Check = {
  name: 'nvidia-smi fields',
  needed: false,
  async run(host) {
    const help = await runOnce(host, ['--help-query-gpu'])
    const known = knownNames(help.stdout)
    if (known === undefined) {
      const complaint = complaintOf(help)
      if (complaint === undefined) return failed('nvidia-smi --help-query-gpu lists no fields', 'update the driver')
      return (complaint.type === 'not-installed' ? absent : failed)(complaint.message, complaint.fix)
    }
    const { missing } = chooseQuery(known)
    const count = `${wanted.length - missing.length} of ${wanted.length} wanted fields`
    return missing.length === 0 ? ok(count) : { ...ok(`${count}; this driver has no ${missing.join(', ')}`) }
  },
}
