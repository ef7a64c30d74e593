/** Out of memory: from what is known of the end to why, and what would have fitted. The same code live and of old logs. */
import { predict } from '../../math/predict'
import type { PostMortem } from '../../wire/post-mortem'
import { causesOf } from './causes'
import { figuresOf } from './figures'
import { growthOf, levelsOf } from './growth'
import { onAHost } from './on-a-host'
import { hostPartsOf, partsOf, toldParts } from './parts'
import { remediesOf } from './remedies'
import { firstOf, victimsOf, type Event, type MemoryHistory, type Scene } from './scene'

export type { MemoryHistory, Scene } from './scene'

const MOST_VICTIMS = 64
const orNull = <T>(value: T | undefined): T | null => value ?? null
const finite = (values: ArrayLike<number>) => Array.from(values, value => (Number.isFinite(value) ? value : null))

function eventOf(event: Event, lastStep: number | undefined): PostMortem['event'] {
  return {
    time: orNull(event.time),
    rank: orNull(event.rank),
    node: orNull(event.node),
    gpuIndex: orNull(event.gpuIndex),
    step: orNull(lastStep),
    message: event.message ?? '',
    requestedBytes: orNull(event.requestedBytes),
    capacityBytes: orNull(event.capacityBytes),
    freeBytes: orNull(event.freeBytes),
    processBytes: orNull(event.processBytes),
    allocatedBytes: orNull(event.allocatedBytes),
    reservedBytes: orNull(event.reservedBytes),
    reservedUnallocatedBytes: orNull(event.reservedUnallocatedBytes),
  }
}

/** Steps that were finished after the event: nobody died of it. */
function isRecovered(event: Event, { lastStepAt }: Scene): boolean {
  return event.time !== undefined && lastStepAt !== undefined && lastStepAt > event.time + 1
}

/** Of the steps before the event: what comes after it is another attempt. */
function before(history: MemoryHistory, event: Event): MemoryHistory {
  const end = event.time ?? Infinity
  const kept = Array.from(history.time, (time, index) => (time <= end ? index : -1)).filter(index => index >= 0)
  const pick = (values: ArrayLike<number>) => kept.map(index => values[index] ?? NaN)
  return {
    step: pick(history.step),
    time: pick(history.time),
    peakBytes: pick(history.peakBytes),
    reservedBytes: pick(history.reservedBytes),
  }
}

function gapsOf({ config }: Scene, predicted: number | undefined, history: MemoryHistory, event: Event): string[] {
  const gaps: string[] = []
  if (config === undefined)
    gaps.push('The configuration is not known: no prediction, and no changes of the plan. Import a log that says it.')
  else if (predicted === undefined)
    gaps.push('The configuration is not complete enough for a prediction of memory; see the arithmetic page.')
  if (!Array.from(levelsOf(history).bytes).some(value => Number.isFinite(value)) && event.type === 'oom')
    gaps.push('Memory was not seen before the end: the hook, or a framework that logs it, would show how it grew.')
  if (event.type === 'oom' && event.processBytes === undefined)
    gaps.push(
      'The error does not say what the process held on the device: other processes cannot be told from its own context.',
    )
  return gaps
}

/** Undefined where no memory ran out. Never throws on gaps. */
export function postMortemOf(scene: Scene): PostMortem | undefined {
  const event = firstOf(scene.events)
  if (event === undefined) return undefined
  const history = before(scene.history, event)
  const seen = { ...scene, history }
  const figures = figuresOf(event, seen)
  const growth = growthOf(history)
  const isOnHost = scene.isOnHost === true && event.type === 'host-oom'
  const config = isOnHost ? onAHost(scene.config, history) : scene.config
  const predictedBytes = config === undefined ? undefined : predict(config).memory.deviceBytes
  const causes = causesOf({ event, figures, growth, scene: seen, predictedBytes })
  return {
    run: scene.run,
    memory: event.type === 'host-oom' ? 'host' : 'device',
    event: eventOf(event, scene.lastStep),
    victims: victimsOf(scene.events, event)
      .slice(0, MOST_VICTIMS)
      .map(({ type = 'event', time, rank, message = '' }) => ({
        type,
        time: orNull(time),
        rank: orNull(rank),
        message,
      })),
    recovered: isRecovered(event, scene),
    parts:
      event.type === 'host-oom'
        ? hostPartsOf(event, figures, isOnHost ? config : undefined)
        : [
            ...toldParts(event, 'as the compiler says in its report'),
            ...(event.parts === undefined ? partsOf(figures, config) : []),
          ],
    history: {
      step: [...Array.from(history.step)],
      peakBytes: finite(history.peakBytes),
      reservedBytes: finite(history.reservedBytes),
    },
    causes,
    remedies: remediesOf(
      causes.map(({ name }) => name),
      config,
      figures,
      growth,
      isOnHost,
    ),
    gaps: gapsOf(scene, predictedBytes, history, event),
  }
}
