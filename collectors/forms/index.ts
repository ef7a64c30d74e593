/** Forms of saved output in the order in which an unknown file is offered to them; what none claims is read as a log. */
import { registry } from '../../base/registry'
import type { Form } from '../form'
import { kinetoTrace } from './kineto-trace'
import { ncclInspector } from './nccl-inspector'
import { nvidiaSmiCsv } from './nvidia-smi-csv'
import { torchFlightRecorder } from './torch-flight-recorder'
import { torchSnapshot } from './torch-snapshot'

export const forms = registry<Form>('form', [
  nvidiaSmiCsv, //
  torchSnapshot,
  torchFlightRecorder,
  ncclInspector,
  kinetoTrace,
])
