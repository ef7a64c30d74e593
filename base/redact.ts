/**
 * Takes secrets out of what people and programs write: command lines, what a job prints, messages of errors. A secret is known by
 * the name before it (`--token X`, `WANDB_API_KEY=X`, `"password": "X"`), by where it stands (a URL's user, `Bearer X`), or by its
 * own shape (tokens that say whose they are). Counts and names of tokens (`tokens=1024`, `--tokenizer`, `eos_token`) stay.
 */
export const REDACTED = '[redacted]'

/** A text without any of these has none: most lines of a log end here. */
const HINT =
  /token|secret|passw|pwd|pass\b|passphrase|credential|key|bearer|basic|authorization|login|sshpass|:\/\/|sig=|\bhf_|\bsk[-_]|\b[rg]h?sk_|\bgh[opsur]_|github_pat|glpat|xox|AKIA|ASIA|AIza|ya29|eyJ|nvapi|npm_|pypi-|dckr_|SG\.|r8_|gsk_|BEGIN|^[\w+/]{64}$|-u /im

/** The last word of a secret’s name. What stands before it is looked at apart. */
const LAST_WORD =
  /(?:token|secret|password|passwd|passphrase|pass|pwd|credentials?|key)(?=\\*["']?(?:\s*(?:=|:(?!\/\/))|\s))/gi
/** `key` alone is any key. */
const SECRET_KEYS =
  /^(?:api|access|secret|private|auth|authentication|signing|encryption|account|subscription|license|kaggle|shared|master|service|session)$/
/** Tokens of a text, and figures about them. */
const NO_SECRET_TOKENS =
  /^(?:pad|eos|bos|unk|mask|cls|sep|special|added?|per|next|last|first|image|video|audio|begin|end|start|stop|each|new|prefix|suffix|fim|tool|think|cur|current|prev|previous|text|byte|bytes|seconds?|ms|us|s|min|max|num|n|total|avg|mean|single|one|every|input|output|prompt|target|sample|word|sub|padding|eot|eod|eom|vocab|known|unknown|by|of|a|the|this|unexpected)$/
const NO_PASS =
  /^(?:forward|backward|first|second|third|next|one|per|train|eval|full|multi|num|n|a|the|single|last|each|by)$/
/** Written together in one case. */
const TOGETHER = /^(?:api|access|auth|hf|hub|bot|id|refresh|session)token$|^(?:api|access|auth|secret|private)key$/

const NUMBER = /^[-+]?[\d.,_]+(?:e[-+]?\d+)?(?:%|[kmgt]?i?b?(?:\/s)?|[mun]?s)[,;)]?$/i
/** Said in place of a value, or a reference to one. */
const NO_VALUE =
  /^(?:true|false|none|null|nil|undefined|yes|no|on|off|required|optional|missing|unset|empty|str|string|\*+|\.{3}|…|<[^>]*>|\$[({]?\w+[)}]?|%\w+%|--?[a-z][\w-]*|\[redacted\]|or|and|to|is|as|in|for|the|was|must|with|of|on|not|may|from|are)[,;.)}\]]*$/i
const isPath = (value: string) => /^(?:~|\.{0,2})\/|\.(?:json|txt|pem|ya?ml|toml|env)$/.test(value)
const looksRandom = (value: string) => value.length >= 8 && /[\d_+/=-]|[a-z][A-Z]/.test(value) && !/\s/.test(value)

/** `value` of a secret’s name: in quotes (to the end of the text where it was cut), or up to the next space. */
const VALUE = /(\\*["']?\s*[=:]\s*|\\*["']?\s+)(?:(\\*["'])(.*?)(\2|$)|([^\s"'\\]+))/sy

interface Name {
  /** In lower case, `hfToken` and `HF_TOKEN` alike: hf, token. */
  readonly words: readonly string[]
  /** As an option of a command: its value may follow a space. */
  readonly isFlag: boolean
}

function nameOf(text: string, end: number): Name {
  const before = /(-{0,2})((?:[A-Za-z0-9][\w.-]*)?)$/.exec(text.slice(Math.max(0, end - 80), end))
  const name = before?.[2] ?? ''
  const words = name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter(Boolean)
  // `api key: …` as people write it.
  if (
    words.length === 1 &&
    words[0] === 'key' &&
    /\b(?:api|access|secret|private) key$/i.test(text.slice(Math.max(0, end - 16), end))
  )
    words.unshift('api')
  return { words, isFlag: (before?.[1] ?? '') !== '' }
}

function isSecretName({ words }: Name): boolean {
  const last = words.at(-1) ?? ''
  const before = words.at(-2) ?? ''
  if (TOGETHER.test(last)) return true
  if (last === 'token') return !NO_SECRET_TOKENS.test(before)
  if (last === 'key') return SECRET_KEYS.test(before)
  if (last === 'pass') return before !== '' && !NO_PASS.test(before)
  return ['secret', 'password', 'passwd', 'passphrase', 'pwd', 'credential', 'credentials'].includes(last)
}

function isSecretValue({ words }: Name, separator: string, value: string): boolean {
  if (value === '' || NO_VALUE.test(value)) return false
  const last = words.at(-1) ?? ''
  if (/^(?:pwd|credentials?)$/.test(last)) return !isPath(value)
  if (/token|key|^pass$/.test(last) && NUMBER.test(value)) return false
  // `token: the` is a piece of a text.
  return words.length > 1 || last !== 'token' || !separator.includes(':') || looksRandom(value)
}

/** What follows the name of a secret. */
function redactNamed(text: string): string {
  let result = ''
  let done = 0
  for (const match of text.matchAll(LAST_WORD)) {
    const end = match.index + match[0].length
    if (end <= done) continue
    const name = nameOf(text, end)
    if (!isSecretName(name)) continue
    VALUE.lastIndex = end
    const found = VALUE.exec(text)
    if (found === null) continue
    const [whole, separator = '', quote = '', quoted, close = '', bare] = found
    const value = quoted ?? bare ?? ''
    if (!/[=:]/.test(separator) && !name.isFlag) continue
    if (!isSecretValue(name, separator, value)) continue
    result += `${text.slice(done, end)}${separator}${quote}${REDACTED}${close}`
    done = end + whole.length
  }
  return result + text.slice(done)
}

/** Where a secret stands, or how it looks: what is kept of the match is its first group. */
const PLACES: readonly RegExp[] = [
  // https://user:password@host, redis://:password@host; a user alone where it is as long as a token.
  /(\b[a-z][a-z\d+.-]{0,30}:\/\/[^\s/:@"']{0,256}:)[^\s/@"']{1,512}(?=@)/gi,
  /(\bhttps?:\/\/)[^\s/:@"']{16,512}(?=@)/gi,
  /([?&;](?:access_token|token|sig|signature|api[_-]?key|key|password|secret|x-(?:amz|goog)-(?:signature|security-token|credential))=)[^\s&#"']+/gi,
  /(\bhooks\.slack\.com\/(?:services|workflows|triggers)\/)[\w/-]+/gi,
  /(\bdiscord(?:app)?\.com\/api\/webhooks\/)[\w/-]+/gi,
  // Authorization: Bearer X, Basic X, token X; `Bearer X` wherever it looks like one.
  /(\b(?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["']?(?:(?:bearer|basic|digest|token|apikey)\s+)?)[^\s"',\\]+/gi,
  /(\b(?:bearer|basic)\s+)(?=[\w.~+/=-]*\d)[\w.~+/-]{8,}=*/gi,
  // Options of well-known programs that are no names of secrets.
  /(\bwandb\s+login\s+(?:--\S+\s+)*)[\w-]{20,}/gi,
  /(\bsshpass\s+-p\s*)\S+/gi,
  /(\bcurl\b[^|;]{0,512}?\s(?:-u|--user)[\s=]*["']?[^\s:"']{1,128}:)[^\s"']+/gi,
  /(\bmysql\b[^|;]{0,256}?\s-p)[^\s"']+/gi,
]
/** Tokens that say whose they are: Hugging Face, OpenAI and Anthropic, GitHub, GitLab, Slack, AWS, Google, NVIDIA, npm, … */
const SHAPES =
  /\b(?:hf_[A-Za-z\d]{16,}|sk-[\w-]{16,}|sk_(?:live|test)_\w{10,}|gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z\d]{16}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*|nvapi-[\w-]{20,}|npm_\w{30,}|pypi-[\w-]{40,}|dckr_pat_[\w-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|r8_\w{30,}|gsk_\w{30,}|wandb_v\d_\w{16,})/g
const PEM = /(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|$)/gs
/** A line of such a key on its own, as a log tells it; hashes are hexadecimal. */
const PEM_LINE = /^(?=.*[g-zG-Z])(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z\d+/]{64}$/gm

/** The text with its secrets replaced; the same text where there is none. Takes time in proportion to its length. */
export function redact(text: string): string {
  if (!HINT.test(text)) return text
  let result = text.replace(PEM, `$1${REDACTED}$2`).replace(PEM_LINE, REDACTED)
  for (const place of PLACES)
    result = result.replace(place, (whole, kept: string) =>
      NO_VALUE.test(whole.slice(kept.length)) ? whole : `${kept}${REDACTED}`,
    )
  return redactNamed(result.replace(SHAPES, REDACTED))
}
