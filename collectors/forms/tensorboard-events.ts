/** TensorBoard's event files, `events.out.tfevents.*`: the scalars that a script wrote, whichever framework's. */
import { fieldsOf, ProtobufError, type Field } from '../../base/protobuf'
import type { Form } from '../form'
import { eventFrames, lengthOf } from '../tracking/event-file'
import { ScalarRows, type Scalar } from '../tracking/scalars'

/** Fields of `Event`, `Summary`, `Summary.Value` and `TensorProto`, by number. */
const EVENT = { wallTime: 1, step: 2, summary: 5 } as const
const SUMMARY = { value: 1 } as const
const VALUE = { tag: 1, simpleValue: 2, tensor: 8 } as const
const TENSOR = { type: 1, content: 4, floats: 5, doubles: 6 } as const
const FLOAT = 1n
const DOUBLE = 2n

/** A tensor of one number: how TensorFlow 2 and JAX write a scalar. */
function tensorNumber(tensor: Buffer): number | undefined {
  let type = FLOAT
  let bytes: Buffer | undefined
  for (const field of fieldsOf(tensor)) {
    if (field.number === TENSOR.type) type = field.value
    const isContent =
      field.number === TENSOR.content || field.number === TENSOR.floats || field.number === TENSOR.doubles
    if (isContent) bytes = field.bytes
  }
  if (type === FLOAT && bytes?.length === 4) return bytes.readFloatLE()
  return type === DOUBLE && bytes?.length === 8 ? bytes.readDoubleLE() : undefined
}

function valueOf(message: Buffer): { name: string; value: number } | undefined {
  let name: string | undefined
  let value: number | undefined
  for (const { number, bytes } of fieldsOf(message)) {
    if (number === VALUE.tag) name = bytes.toString('utf8')
    else if (number === VALUE.simpleValue && bytes.length === 4) value = bytes.readFloatLE()
    else if (number === VALUE.tensor) value = tensorNumber(bytes)
  }
  // Floats of four bytes have some seven digits; the rest would be made up.
  return name === undefined || value === undefined ? undefined : { name, value: Number(value.toPrecision(7)) }
}

const whole = ({ value }: Field) => Number(BigInt.asIntN(64, value))

/** The scalars of one event; [] for a graph, an image, a histogram or a text. */
function scalarsOf(event: Buffer): Scalar[] {
  let time: number | undefined
  let step = 0
  const values: { name: string; value: number }[] = []
  for (const field of fieldsOf(event)) {
    if (field.number === EVENT.wallTime && field.bytes.length === 8) time = field.bytes.readDoubleLE()
    else if (field.number === EVENT.step) step = whole(field)
    else if (field.number === EVENT.summary)
      for (const part of fieldsOf(field.bytes)) {
        const value = part.number === SUMMARY.value ? valueOf(part.bytes) : undefined
        if (value !== undefined) values.push(value)
      }
  }
  const at = time !== undefined && Number.isFinite(time) && time > 0 ? time : undefined
  return step < 0 ? [] : values.map(({ name, value }) => ({ name, value, step, time: at }))
}

/** Undefined for bytes that are no event. */
function eventOf(frame: Buffer): Scalar[] | undefined {
  try {
    return scalarsOf(frame)
  } catch (error) {
    if (error instanceof ProtobufError) return undefined
    throw error
  }
}

export const tensorboardEvents: Form = {
  name: 'tensorboard-events',
  tool: 'tensorboard',
  help: 'an event file of TensorBoard: the scalars of each step, and evaluations',
  origin: 'https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto',
  claims: ({ bytes }) => bytes.includes('brain.Event:') && lengthOf(bytes) !== undefined,
  async read(chunks, write) {
    const rows = new ScalarRows('tensorboard')
    const counts = { linesRead: 0, linesUnread: 0 }
    for await (const frame of eventFrames(chunks)) {
      const scalars = frame === undefined ? undefined : eventOf(frame)
      if (scalars === undefined) counts.linesUnread += 1
      for (const scalar of scalars ?? []) {
        if (rows.add(scalar)) counts.linesRead += 1
        else counts.linesUnread += 1
      }
    }
    await write(rows.records())
    return counts
  },
}
