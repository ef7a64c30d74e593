'use client'
import styles from './choice.module.css'

interface ChoiceProps<N extends string> {
  label: string
  options: readonly { readonly name: N; readonly title: string }[]
  value: N
  onChange: (name: N) => void
}

/** One of a few, all in sight. */
export function Choice<N extends string>({ label, options, value, onChange }: ChoiceProps<N>) {
  return (
    <div role="group" aria-label={label} className={styles.choice}>
      {options.map(({ name, title }) => (
        <button key={name} type="button" aria-pressed={name === value} onClick={() => onChange(name)}>
          {title}
        </button>
      ))}
    </div>
  )
}

/** One of many. */
export function Select<N extends string>({ label, options, value, onChange }: ChoiceProps<N>) {
  const pick = (name: string) => {
    const option = options.find(each => each.name === name)
    if (option !== undefined) onChange(option.name)
  }
  return (
    <select className={styles.select} aria-label={label} value={value} onChange={event => pick(event.target.value)}>
      {options.map(({ name, title }) => (
        <option key={name} value={name}>
          {title}
        </option>
      ))}
    </select>
  )
}
