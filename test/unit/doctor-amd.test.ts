/** `doctor` on machines with AMD devices: what works, what is missing, and the command that would fix it. */
import { describe, expect, it } from 'vitest'
import { checks } from '../../cli/checks/index'
import { runCheck } from '../../cli/checks/check'
import { describeFindings } from '../../cli/doctor'
import { settings as declared, type PlumblineSettings } from '../../cli/settings'
import { AmdHost, prints, type Printed } from './amd-host'

const defaults = Object.fromEntries(
  Object.entries(declared).map(([key, { default: value }]) => [key, value]),
) as unknown as PlumblineSettings

const check = (name: string, host: AmdHost) => {
  const found = checks.get(name)
  if (found === undefined) throw new Error(`no check ${name}`)
  return runCheck(found, host, defaults)
}

const withRocmSmi = (printed: Printed) => {
  const host = new AmdHost()
  host.write('/sys/module/amdgpu/initstate', 'live')
  host.tools.set('rocm-smi', () => printed)
  return host
}

describe('doctor on a machine with rocm-smi only', () => {
  it('names what works, and what is missing with the command that fixes it', async () => {
    const cards = { card0: { 'GPU use (%)': '3', 'Card series': 'Instinct MI100Z' }, card1: { 'GPU use (%)': '0' } }
    const host = withRocmSmi(prints(JSON.stringify(cards)))
    const findings = [await check('amdgpu', host), await check('amd-smi', host), await check('rocm-smi', host)]
    expect(findings).toMatchObject([
      { state: 'absent', detail: expect.stringContaining('has no device') as unknown },
      { state: 'absent', fix: expect.stringContaining('apt install amd-smi-lib') as unknown },
      { state: 'ok', detail: '1 × Instinct MI100Z' },
    ])
    const text = describeFindings(findings)
    expect(text).toContain('MI100Z')
    expect(text).toContain('apt install amd-smi-lib')
  })

  it.each([
    [
      'no driver',
      prints('', 1, 'ERROR:root:Driver not initialized (amdgpu not found in modules)\n'),
      /modprobe amdgpu/,
    ],
    ['no rights', prints('', 1, 'ERROR: User is missing the following required groups: render\n'), /render,video/],
    [
      'broken Python',
      prints('', 1, 'Traceback (most recent call last):\nImportError: librocm_smi64.so\n'),
      /apt install/,
    ],
    ['another end', prints('', 3, 'Segmentation fault\n'), /by hand/],
  ])('tells %s from the others', async (_, printed, fix) => {
    const finding = await check('rocm-smi', withRocmSmi(printed))
    expect(finding).toMatchObject({ state: 'failed', fix: expect.stringMatching(fix) as unknown })
  })

  it('has nothing to fail where there is no device', async () => {
    const finding = await check('rocm-smi', withRocmSmi(prints('', 1, 'WARNING:root:No AMD GPUs specified\n')))
    expect(finding).toMatchObject({ state: 'absent', fix: expect.stringContaining('lspci') as unknown })
  })
})
