/** Who may import whom. ARCHITECTURE.md explains it; this table holds it. */
export const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  wire: ['base'],
  math: ['base'],
  collectors: ['wire', 'base'],
  agent: ['collectors', 'wire', 'base'],
  analysis: ['wire', 'math', 'base'],
  hub: ['analysis', 'wire', 'math', 'base'],
  app: ['wire', 'math', 'base'],
  cli: ['agent', 'analysis', 'base', 'collectors', 'hook', 'hub', 'math', 'wire'],
}
