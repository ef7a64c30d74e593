/** `doctor` on each generation of nvidia-smi: what works, what is missing, and the command that would fix it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCheck, type Finding } from '../../cli/checks/check'
import { checks } from '../../cli/checks/index'
import { describeFindings } from '../../cli/doctor'
import { settings as declared, type PlumblineSettings } from '../../cli/settings'
import { localHost } from '../../collectors/host'

const defaults = Object.fromEntries(
  Object.entries(declared).map(([key, { default: value }]) => [key, value]),
) as unknown as PlumblineSettings

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-smi-'))
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

function program(script: string): void {
  const path = join(folder, 'nvidia-smi')
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
}

const NAMES = ['nvidia-smi', 'nvidia-smi fields', 'nvidia-dmon', 'nvidia-processes']

async function doctor(): Promise<Record<string, Finding>> {
  const findings = []
  for (const name of NAMES) {
    const check = checks.get(name)
    if (check === undefined) throw new Error(`no check ${name}`)
    findings.push(await runCheck(check, localHost(), defaults))
  }
  // Whatever is not well has a line that says what to do.
  for (const finding of findings) if (finding.state !== 'ok') expect(finding.fix).toMatch(/.{10}/)
  expect(describeFindings(findings).split('\n').length).toBeGreaterThanOrEqual(NAMES.length)
  return Object.fromEntries(findings.map(({ name, ...finding }) => [name, finding]))
}

const NO_DRIVER = `NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.`
const MISMATCH = 'Failed to initialize NVML: Driver/library version mismatch\\nNVML library version: 550.54'
const LOST = 'Unable to determine the device handle for GPU0000:41:00.0: Unknown Error'

const OLD_FIELDS = [
  'index',
  'uuid',
  'name',
  'utilization.gpu',
  'memory.used',
  'memory.total',
  'power.draw',
  'temperature.gpu',
]
const OLD_HELP = OLD_FIELDS.map(field => `"${field}"\\nWhat it is.\\n`).join('\\n')
const OLD_ROW = '0, GPU-5eed0000-0000-4000-8000-000000000000, Tesla K80, 99 %, 11000 MiB, 11441 MiB, 140.10 W, 70'
const OLD_HEAD =
  'index, uuid, name, utilization.gpu [%], memory.used [MiB], memory.total [MiB], power.draw [W], temperature.gpu'
const OLD = `case "$1" in
  -L) echo 'GPU 0: Tesla K80 (UUID: GPU-5eed0000-0000-4000-8000-000000000000)' ;;
  --help-query-gpu) printf '${OLD_HELP}' ;;
  --query-gpu=*) fields=\${1#*=}; order=$fields
    for field in $(echo "$fields" | tr , ' '); do case ",${OLD_FIELDS.join(',')}," in *",$field,"*) ;; *) echo "Field \\"$field\\" is not a valid field to query."; exit 2 ;; esac; done
    echo '${OLD_HEAD}'; while :; do echo '${OLD_ROW}'; sleep 1; done ;;
  *) echo "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help."; exit 1 ;;
esac`

describe('doctor on a machine with nvidia-smi', () => {
  it.each([
    ['whose driver is not loaded', `printf '%s\\n' "${NO_DRIVER}"; exit 9`, 'failed', /modprobe nvidia/],
    [
      'whose library is newer than its driver',
      `printf '${MISMATCH}\\n'; exit 18`,
      'failed',
      /reboot the node, or unload/,
    ],
    ['whose device fell off the bus', `echo '${LOST}'; exit 15`, 'failed', /reboot the node; look for "Xid"/],
    ['without devices', `echo 'No devices were found'; exit 6`, 'absent', /lspci/],
    [
      'that may not look',
      `echo 'Failed to initialize NVML: Insufficient Permissions'; exit 4`,
      'failed',
      /join the group video/,
    ],
    [
      'in a container that lost its devices',
      `echo 'Failed to initialize NVML: Unknown Error'; exit 255`,
      'failed',
      /in a container: start it anew/,
    ],
  ])(
    '%s',
    async (_, script, state, fix) => {
      program(script)
      const found = await doctor()
      expect(found['nvidia-smi']).toMatchObject({ state, fix: expect.stringMatching(fix) as unknown })
      expect(found['nvidia-smi fields']).toMatchObject({ state: 'failed', fix: expect.stringMatching(fix) as unknown })
      expect(found['nvidia-dmon']?.state).toBe('absent')
      expect(found['nvidia-processes']?.state).toBe('absent')
    },
    60_000,
  )

  it('of an old driver: what it has works, and what it has not is named', async () => {
    program(OLD)
    const found = await doctor()
    expect(found['nvidia-smi']).toMatchObject({ state: 'ok', detail: '1 × Tesla K80' })
    expect(found['nvidia-smi fields']).toMatchObject({
      state: 'ok',
      detail: expect.stringMatching(/^8 of \d+ wanted fields; this driver has no /) as unknown,
    })
    expect(found['nvidia-dmon']).toMatchObject({
      state: 'absent',
      fix: expect.stringContaining('update the driver') as unknown,
    })
    expect(found['nvidia-processes']).toMatchObject({ state: 'absent' })
  }, 60_000)

  it('of a newer driver with a device that is lost: what is read is said, and that one is lost', async () => {
    const cells = (index: number, rest: string) =>
      `${index}, GPU-5eed000${index}-0000-4000-8000-000000000000, NVIDIA H100 80GB HBM3, ${rest}`
    const row = '99 %, 71234 MiB, 81559 MiB, 687.12 W, 61'
    const lost = Array(5).fill('[GPU is lost]').join(', ')
    program(
      OLD.replace(OLD_ROW, `${cells(0, row)}'; echo '${cells(1, lost)}`).replaceAll(
        'Tesla K80',
        'NVIDIA H100 80GB HBM3',
      ),
    )
    expect((await doctor())['nvidia-smi']).toMatchObject({
      state: 'ok',
      detail: expect.stringContaining('GPU 1 is lost') as unknown,
    })
  }, 60_000)

  it('that is not there', async () => {
    vi.stubEnv('PATH', folder)
    expect((await doctor())['nvidia-smi']).toMatchObject({
      state: 'absent',
      fix: expect.stringContaining('install the NVIDIA driver') as unknown,
    })
  }, 60_000)
})
