/** Whether a key is meant for something else than the page: text that is typed, or a command of the browser. */
export function isTyping(event: KeyboardEvent): boolean {
  const { target } = event
  const inField = target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
  return inField || event.ctrlKey || event.metaKey || event.altKey
}
