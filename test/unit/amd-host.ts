/** A machine in memory with AMD's tools: what each prints when it is run, and children that the test speaks for. */
import type { Child, ChildEvents } from '../../collectors/host'
import { FakeHost } from './fake-host'

export interface Printed {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly error?: string
}
export const prints = (stdout: string, code = 0, stderr = ''): Printed => ({ code, stdout, stderr })

export class AmdHost extends FakeHost {
  /** By the name of the tool. */
  readonly tools = new Map<string, (args: readonly string[]) => Printed>()
  readonly runs: string[] = []
  readonly children: { args: readonly string[]; events: ChildEvents; stopped: boolean }[] = []

  override run(command = '', args: readonly string[] = []): Promise<Printed> {
    this.runs.push([command, ...args].join(' '))
    const tool = this.tools.get(command)
    const missing = { code: null, stdout: '', stderr: '', error: `${command}: command not found` }
    return Promise.resolve(tool === undefined ? missing : tool(args))
  }

  override spawn(command: string, args: readonly string[], events: ChildEvents): Child {
    const child = { args: [command, ...args], events, stopped: false }
    this.children.push(child)
    return { pid: 4711, stop: () => Promise.resolve(void (child.stopped = true)) }
  }

  /** A card of amdgpu in /sys/class/drm. */
  card(number: number, files: Record<string, string>): void {
    const folder = `/sys/class/drm/card${number}/device`
    this.write(`${folder}/uevent`, 'DRIVER=amdgpu\nPCI_ID=1002:74A1\n')
    for (const [name, text] of Object.entries(files)) this.write(`${folder}/${name}`, `${text}\n`)
  }
}
