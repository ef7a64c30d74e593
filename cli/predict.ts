/** `plumbline predict CONFIG`: what should be, for a config file, standard input, a preset or a Hugging Face config. */
import { answersOf } from '../math/conventions/job'
import { searchPlans } from '../math/plan-search'
import { predict, type PredictInput } from '../math/predict'
import { defineCommand } from './command'
import { checkConfig, checkTogether, COMMAND_LINE, readConfig, usage } from './predict-config'
import { applyFlags, declareFlags } from './predict-flags'
import { limitsOf } from '../math/limits'
import { describe, describeAnswers, describeLimits, describeSearch, list } from './predict-print'

const SHOWN_PLANS = 10

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2))
}

function search(input: PredictInput, json: boolean): number {
  const devices = input.hardware?.count ?? input.parallelism?.worldSize
  if (devices === undefined) throw usage('a search needs the number of devices', 'give it with --count')
  const found = searchPlans(input, devices)
  if (json) printJson(found)
  else console.log(describeSearch(found, SHOWN_PLANS))
  return found.fitting.length > 0 ? 0 : 1
}

export const command = defineCommand({
  settings: [],
  configure(program) {
    program.argument(
      '[config]',
      'a config (JSON, YAML, Hugging Face), a training log, - for standard input, or a preset',
    )
    program.option('--list', 'print the presets and the GPUs')
    program.option('--compare', 'print what other calculators answer for the same job')
    program.option('--limits', 'print the largest micro-batch and sequence that fit, and how far more devices pay')
    program.option('--search', 'print the fastest plans that fit on --count devices')
    declareFlags(program)
  },
  run({ arguments: [source], options }) {
    const json = options['json'] === true
    if (options['list'] === true) {
      list(json)
      return Promise.resolve(0)
    }
    if (source === undefined) throw usage('predict needs a config', 'plumbline predict --list prints the presets')
    const read = checkConfig(readConfig(source), source === '-' ? 'standard input' : source)
    const input = checkConfig(applyFlags(read, options), COMMAND_LINE)
    if (options['search'] === true) return Promise.resolve(search(input, json))
    checkTogether(input)
    if (options['limits'] === true) {
      const limits = limitsOf(input)
      if (json) printJson(limits)
      else console.log(describeLimits(limits))
    } else if (options['compare'] === true) {
      const answers = answersOf(input)
      if (json) printJson(answers.map(({ convention, figures }) => ({ name: convention.name, figures })))
      else console.log(describeAnswers(answers))
    } else {
      const prediction = predict(input)
      if (json) printJson(prediction)
      else console.log(describe(prediction))
    }
    return Promise.resolve(0)
  },
})
