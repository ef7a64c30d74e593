/** A trace of PyTorch's profiler (`export_chrome_trace`, `tensorboard_trace_handler`), also the list of torch before Kineto. */
import { JsonItems } from '../evidence/json-items'
import { Trace } from '../evidence/trace'
import type { Form } from '../form'

/** Chrome traces are written by many; these names are PyTorch's. */
const KINETO =
  /"(?:cpu_op|cuda_runtime|hip_runtime|user_annotation|gpu_user_annotation|python_function|kernel)"|"ProfilerStep#/i
const LEGACY = /^\s{0,20}\[\s{0,20}\{/
const RECORDS_AT_ONCE = 1000

export const kinetoTrace: Form = {
  name: 'kineto-trace',
  tool: 'kineto',
  help: 'a trace of PyTorch’s profiler: computing, exposed communication and idle time of each step, and collectives',
  origin: 'https://github.com/pytorch/kineto/blob/main/libkineto/src/output_json.cpp',
  claims: ({ text }) =>
    (/^\s{0,20}\{/.test(text) && text.includes('"traceEvents"') && KINETO.test(text)) ||
    (LEGACY.test(text) && /"pid": ?"(?:CPU|CUDA) functions"/.test(text)),
  async read(chunks, write) {
    const trace = new Trace()
    const items = new JsonItems({
      list: 'traceEvents',
      element: bytes => trace.event(bytes),
      member: (name, bytes) => trace.header(name, bytes),
    })
    for await (const chunk of chunks) items.push(chunk)
    const records = trace.records()
    for (let at = 0; at < records.length; at += RECORDS_AT_ONCE) await write(records.slice(at, at + RECORDS_AT_ONCE))
    return { linesRead: trace.events, linesUnread: items.left }
  },
}
