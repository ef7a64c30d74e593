/** The contract of what an assistant may ask: one entry in `index.ts`. Answers are text that stands by itself. */
import { z } from 'zod'
import type { HubDoor } from '../hub-answers'

export interface Tool {
  readonly name: string
  /** For the assistant: when to ask this, and what comes. */
  readonly help: string
  readonly asks: z.ZodRawShape
  /** Throws PlumblineError for what was asked wrongly; its text and `fix` reach the assistant. */
  answer(hub: HubDoor, asked: unknown): Promise<string>
}

interface ToolOf<S extends z.ZodRawShape> extends Omit<Tool, 'asks' | 'answer'> {
  readonly asks: S
  answer(hub: HubDoor, asked: z.output<z.ZodObject<S>>): Promise<string>
}

/** Checks what is asked before the tool sees it. */
export function defineTool<S extends z.ZodRawShape>(tool: ToolOf<S>): Tool {
  const schema = z.object(tool.asks)
  return { ...tool, answer: (hub, asked) => tool.answer(hub, schema.parse(asked)) }
}
