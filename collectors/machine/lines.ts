/** Lines of a stream, whatever its cuts. */
const MAX_LINE_CHARACTERS = 1024 * 1024

/** Cuts a stream of text into lines, whatever the cuts of the stream. A last line without an end comes at the end. */
export function lineSplitter(
  line: (text: string) => void,
  warn?: (message: string) => void,
): { push(text: string): void; end(): void } {
  let partial = ''
  let skipping = false
  const capped = (text: string) => {
    if (text.length <= MAX_LINE_CHARACTERS) return text
    warn?.(`a line of more than ${MAX_LINE_CHARACTERS} characters was cut`)
    return text.slice(0, MAX_LINE_CHARACTERS)
  }
  const emit = (text: string) => line(text.endsWith('\r') ? text.slice(0, -1) : text)
  return {
    push(text) {
      let from = 0
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
        if (!skipping) emit(capped(partial + text.slice(from, at)))
        partial = ''
        skipping = false
        from = at + 1
      }
      if (!skipping) partial += text.slice(from)
      if (partial.length <= MAX_LINE_CHARACTERS) return
      emit(capped(partial))
      partial = ''
      skipping = true
    },
    end() {
      if (partial !== '') emit(partial)
      partial = ''
    },
  }
}
