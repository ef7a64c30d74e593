/** Settings of a job as frameworks dump them, by the names that each gives them, as parts of a `config` record. */
import { numberOf } from './values'

export type Settings = ReadonlyMap<string, string>

/** Numbers by the catalogue's name: of several names for one, the first that is there. Thousands may be grouped. */
export function numbersBy(settings: Settings, names: Readonly<Record<string, string>>): Record<string, number> {
  const numbers: Record<string, number> = {}
  for (const [name, field] of Object.entries(names)) {
    const value = numberOf(settings.get(name)?.replaceAll(/^['"]|['"]$/g, ''))
    if (value !== undefined && value >= 0) numbers[field] ??= value
  }
  return numbers
}

/** `torch.bfloat16`, `amp_bf16`, `bf16-mixed`, `BF16`, `float32`: the catalogue's word for it. */
export function precisionOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (/fp8|float8/i.test(text)) return 'fp8'
  if (/bf16|bfloat16/i.test(text)) return 'bf16'
  if (/fp16|float16|\bhalf\b|^16(?:-mixed)?$/i.test(text)) return 'fp16'
  if (/tf32/i.test(text)) return 'tf32'
  return /fp32|float32|^32(?:-true)?$/i.test(text) ? 'fp32' : undefined
}

/** `adamw` of `torch.optim.AdamW`, of `decoupled_adamw` and its like: how it is computed is not which it is. */
export function optimizerOf(text: string | undefined): string | undefined {
  const name = text?.replaceAll(/['"]/g, '').split('.').at(-1)?.trim().toLowerCase()
  if (name === undefined || ['', 'null', 'none'].includes(name)) return undefined
  return name.replace(/^(?:(?:decoupled|distributed|fused|megatron)_)+/, '')
}

/** Whether a switch is on; undefined where it is not there. */
export function isOn(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined
  return /^(?:true|yes|on|1)$/i.test(text.trim())
}

/** `name=value` anywhere in the dump of a dataclass, whichever it stands in; the first of a name counts. */
export function argumentsOf(text: string): Settings {
  const settings = new Map<string, string>()
  for (const [, name = '', value = ''] of text.matchAll(
    /(?<![\w.])([A-Za-z_]\w{1,60})=('[^']{0,200}'|[^\s,()[\]{}]{1,100})/g,
  ))
    if (!settings.has(name)) settings.set(name, value.replaceAll("'", ''))
  return settings
}
