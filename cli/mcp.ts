/** `plumbline mcp`: a server of the Model Context Protocol over standard input and output. It only reads. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { messageOf, PlumblineError } from '../base/errors'
import { VERSION } from '../base/version'
import { defineCommand } from './command'
import { hubDoor } from './hub-answers'
import { tools } from './mcp-tools/index'

/** What went wrong in the assistant's words, with what to do. */
function failureOf(error: unknown): string {
  const fix = error instanceof PlumblineError ? error.fix : undefined
  return fix === undefined ? messageOf(error) : `${messageOf(error)}\nfix: ${fix}`
}

const said = (text: string) => ({ content: [{ type: 'text' as const, text }] })

export const command = defineCommand({
  settings: ['hub', 'port', 'token', 'viewToken'],
  configure: () => undefined,
  async run({ settings }) {
    const server = new McpServer(
      { name: 'plumbline', version: VERSION },
      { instructions: 'Training runs as Plumbline sees them. Begin with list_runs, then explain_run.' },
    )
    for (const { name, help, asks, answer } of tools)
      server.registerTool(
        name,
        { description: help, inputSchema: asks, annotations: { readOnlyHint: true } },
        async (asked: unknown) => {
          try {
            return said(await answer(hubDoor(settings), asked))
          } catch (error) {
            return { ...said(failureOf(error)), isError: true }
          }
        },
      )
    await server.connect(new StdioServerTransport())
    await new Promise<void>(resolve => {
      process.stdin.once('end', resolve)
      process.once('SIGINT', resolve)
      process.once('SIGTERM', resolve)
    })
    await server.close()
    return 0
  },
})
