/** A sentence in which `commands` stand between backticks, as in what is sent to a chat. */
export function Words({ text }: { text: string }) {
  return <>{text.split('`').map((part, place) => (place % 2 === 1 ? <code key={place}>{part}</code> : part))}</>
}
