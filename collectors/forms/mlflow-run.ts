/**
 * A run folder of MLflow's file store, as `grep -r '' .` prints it in there: `metrics/train/loss:1764208931123 2.5 10`, a parameter
 * as `params/NAME:VALUE`. `plumbline import FOLDER` does the same.
 */
import type { WireRecord } from '../../wire/records'
import type { Form } from '../form'
import { LineSplitter } from '../logs/line'
import { numberOf } from '../logs/values'
import { ScalarRows } from '../tracking/scalars'
import { configOfSettings } from '../tracking/settings-config'
import { isSystemMetric, systemRecords } from '../tracking/system-metrics'

const METRIC = /^(?:\.\/)?metrics\/([^:]{1,250}):(\d{1,16}) (\S{1,40}) (-?\d{1,15})(?: .{1,300})?$/
const PARAMETER = /^(?:\.\/)?params\/([^:]{1,250}):(.{0,500})$/
const OTHER = /^(?:\.\/)?(?:meta\.yaml|tags\/[^:]{1,250}):/
const END = /^(?:\.\/)?meta\.yaml:end_time: (\d{1,16})$/
const NAME = /^(?:\.\/)?meta\.yaml:run_name: (.{1,250})$/
const STATUS = /^(?:\.\/)?meta\.yaml:status: (\d)$/
/** `RunStatus` of MLflow's protocol: 3 finished, 4 failed, 5 killed. */
const EXIT_CODES: Readonly<Record<string, number>> = { 3: 0, 4: 1, 5: 137 }

class Run {
  readonly counts = { linesRead: 0, linesUnread: 0 }
  private readonly rows = new ScalarRows('mlflow')
  private readonly settings = new Map<string, string>()
  private readonly system = new Map<number, Map<string, number>>()
  private name: string | undefined
  private endTime: number | undefined
  private exitCode: number | undefined

  push(line: string): void {
    if (line.trim() === '') return
    if (this.take(line)) this.counts.linesRead += 1
    else this.counts.linesUnread += 1
  }

  private take(line: string): boolean {
    const metric = METRIC.exec(line)
    if (metric !== null) return this.takeMetric(metric)
    const parameter = PARAMETER.exec(line)
    if (parameter !== null) {
      this.settings.set((parameter[1] ?? '').replaceAll('.', '/'), parameter[2] ?? '')
      return true
    }
    const ended = numberOf(END.exec(line)?.[1])
    if (ended !== undefined) this.endTime = ended / 1000
    this.name = NAME.exec(line)?.[1] ?? this.name
    this.exitCode = EXIT_CODES[STATUS.exec(line)?.[1] ?? ''] ?? this.exitCode
    return OTHER.test(line)
  }

  private takeMetric([, name = '', milliseconds, text, step]: RegExpExecArray): boolean {
    const time = Number(milliseconds) / 1000
    const value = numberOf(text) ?? NaN
    if (!isSystemMetric(name)) return this.rows.add({ name, step: Number(step), time, value })
    // All of one sampling have the same step, and times that differ by milliseconds.
    const moment = Math.round(time)
    const metrics = this.system.get(moment) ?? new Map<string, number>()
    this.system.set(moment, metrics.set(name, value))
    return true
  }

  records(): WireRecord[] {
    const config = configOfSettings('mlflow', this.settings)
    const moments = [...this.system].sort(([one], [other]) => one - other)
    const { name, exitCode, endTime: time } = this
    const message = `the run ended with status ${exitCode === 0 ? 'finished' : exitCode === 1 ? 'failed' : 'killed'}`
    return [
      ...(name === undefined ? [] : [{ kind: 'run' as const, name }]),
      ...(config === undefined ? [] : [config]),
      ...this.rows.records(),
      ...moments.flatMap(([at, metrics]) => systemRecords('mlflow', metrics, at)),
      ...(exitCode === undefined ? [] : [{ kind: 'event' as const, type: 'exit', time, exitCode, message }]),
    ]
  }
}

export const mlflowRun: Form = {
  name: 'mlflow-run',
  tool: 'mlflow',
  help: 'a run folder of MLflow as grep prints it: metrics by step, parameters, samples of devices, its end',
  origin: 'https://github.com/mlflow/mlflow/blob/master/mlflow/store/tracking/file_store.py',
  claims: ({ text }) => {
    const first = text.split('\n', 1)[0] ?? ''
    return METRIC.test(first) || PARAMETER.test(first) || OTHER.test(first)
  },
  async read(chunks, write) {
    const run = new Run()
    const splitter = new LineSplitter()
    for await (const chunk of chunks) for (const line of splitter.push(chunk)) run.push(line)
    for (const line of splitter.end()) run.push(line)
    await write(run.records())
    return run.counts
  },
}
