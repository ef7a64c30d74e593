/** rocm-smi and amd-smi on this node: which of them works. Exactly one source of AMD devices is read, the cheapest. */
import type { WireRecord } from '../../wire/records'
import type { Host } from '../host'
import { findCards } from './cards'
import { failureOf, type Failure } from './failures'

const TIMEOUT_MS = 20_000
/** On PATH, or where ROCm is installed. */
const PLACES = (tool: string) => [tool, `/opt/rocm/bin/${tool}`]

export interface Ran {
  readonly program: string
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly error?: string
}

/** A record of this node and moment, of a tool that says neither. */
export const here = (host: Host, record: WireRecord) =>
  ({ ...record, time: host.now(), node: host.hostname }) as WireRecord

/** Runs a tool once, wherever it is. `error` where it is nowhere or did not end in time. */
export async function runTool(host: Host, tool: string, args: readonly string[]): Promise<Ran> {
  let result: Ran | undefined
  for (const program of PLACES(tool)) {
    if (result !== undefined && (await host.stat(program)) === undefined) break
    result = { program, ...(await host.run(program, args, TIMEOUT_MS)) }
    if (result.error === undefined || /did not end/.test(result.error)) break
  }
  return result ?? { program: tool, code: null, stdout: '', stderr: '', error: 'not found' }
}

const INSTALL: Readonly<Record<string, string>> = {
  'amd-smi': 'where there is an AMD device: apt install amd-smi-lib (part of ROCm 6 and later)',
  'rocm-smi': 'where there is an AMD device: apt install rocm-smi-lib (part of ROCm)',
}

/** What a run that did not work complains of; undefined for one that did. The worst is said last by Python. */
export function complaintOf(tool: string, { code, stdout, stderr, error }: Ran): Failure | undefined {
  if (error !== undefined && /did not end/.test(error)) {
    const message = `${tool} did not end within ${TIMEOUT_MS / 1000} s`
    return {
      type: 'hung',
      message,
      fix: 'run it by hand; if it hangs as well, look for amdgpu in dmesg, and reboot the node',
    }
  }
  if (error !== undefined) {
    return {
      type: 'not-installed',
      message: `${tool} could not be started (${error})`,
      fix: INSTALL[tool] ?? `install ${tool}`,
    }
  }
  const lines = `${stdout.slice(0, 200_000)}\n${stderr.slice(0, 200_000)}`.split('\n')
  const failures = lines.map(failureOf).filter(failure => failure !== undefined)
  const failure = failures.findLast(({ type }) => type !== 'python' && type !== 'failed') ?? failures.at(-1)
  // A complaint beside good output is about one device or one question.
  if (failure !== undefined && (code !== 0 || !/\d/.test(stdout) || failure.type === 'no-driver')) return failure
  if (code === 0) return undefined
  const said =
    lines
      .find(line => line.trim() !== '')
      ?.trim()
      .slice(0, 200) ?? ''
  return {
    type: 'ended',
    message: `${tool} ended with ${String(code)}: ${said}`,
    fix: `run ${tool} by hand to see what it says`,
  }
}

/** Why a tool is left alone although it might work: a cheaper source is there. */
export async function cheaperThan(host: Host, tool: 'amd-smi' | 'rocm-smi'): Promise<string | undefined> {
  if ((await findCards(host)).length > 0) return 'the files of amdgpu say the same at less cost'
  if (tool === 'rocm-smi' && (await works(host, 'amd-smi'))) return 'amd-smi says the same at less cost'
  return undefined
}

/** One that cannot even start (missing, or broken Python) leaves its place to the next. */
export async function works(host: Host, tool: 'amd-smi'): Promise<boolean> {
  const complaint = complaintOf(tool, await runTool(host, tool, ['list', '--csv']))
  return complaint === undefined || !['not-installed', 'python', 'ended', 'failed', 'hung'].includes(complaint.type)
}
