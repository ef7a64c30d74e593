/** Forms of saved output in the order in which an unknown file is offered to them; what none claims is read as a log. */
import { registry } from '../../base/registry'
import type { Form } from '../form'
import { dcgmiDmon } from './dcgmi-dmon'
import { nvidiaSmiCsv } from './nvidia-smi-csv'
import { prometheusPage } from './prometheus-page'

export const forms = registry<Form>('form', [
  nvidiaSmiCsv, //
  dcgmiDmon,
  prometheusPage,
])
