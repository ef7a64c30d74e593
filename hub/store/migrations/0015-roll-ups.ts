/**
 * Roll-ups: what rows of a slot of time, or of steps, come to. A slot that is computed again takes the place of what it
 * was. `receivedAt` is up to when rows had arrived that are in it.
 */
import type { Migration } from './migration'

const numbers = (names: readonly string[]) => names.map(name => `\`${name}\` Nullable(Float64) CODEC(ZSTD(1))`)
const words = (names: readonly string[]) => names.map(name => `\`${name}\` LowCardinality(String)`)
const texts = (names: readonly string[]) => names.map(name => `\`${name}\` String CODEC(ZSTD(1))`)
const keys = (names: readonly string[]) => names.map(name => `\`${name}\` Float64 CODEC(ZSTD(1))`)

const ARRIVED = "toDateTime(toUInt32(receivedAt), 'UTC')"

const table = (name: string, isFine: boolean, order: string, columns: readonly string[]) => `CREATE TABLE \`${name}\` (
      \`slot\` Float64 CODEC(ZSTD(1)),
      \`time\` Float64 CODEC(ZSTD(1)),
      \`samples\` UInt32 CODEC(ZSTD(1)),
      ${columns.join(',\n      ')},
      receivedAt Float64 CODEC(ZSTD(1))
    ) ENGINE = ReplacingMergeTree(receivedAt)
    PARTITION BY ${isFine ? `toYYYYMMDD(toMonday(${ARRIVED}))` : `toYYYYMM(${ARRIVED})`}
    ORDER BY (${order})
    SETTINGS old_parts_lifetime = 60`

const tiers = (name: string, ends: readonly string[], order: string, columns: readonly string[]) =>
  ends.map((end, level) => table(`${name}_${end}`, level === 0, order, columns))

const TIME = ['10s', '1m', '10m']
const STEPS = ['10', '100', '1000']

export const rollUps: Migration = {
  version: 15,
  name: 'roll-ups',
  statements: [
    'CREATE TABLE `folded` (`tier` String, `receivedTo` Float64) ENGINE = ReplacingMergeTree(receivedTo) ORDER BY tier',
    ...tiers('gpu', TIME, 'node, index, instance, slot', [
      ...words(['node', 'instance', 'uuid', 'name', 'source']),
      ...keys(['index']),
      ...numbers(['utilizationRatio', 'utilizationRatioMin', 'utilizationRatioMax', 'memoryUtilizationRatio']),
      ...numbers(['memoryUsedBytes', 'memoryTotalBytes', 'powerWatts', 'powerWattsMax', 'powerLimitWatts']),
      ...numbers([
        'temperatureCelsius',
        'memoryTemperatureCelsius',
        'smClockHertz',
        'smClockHertzMin',
        'smClockHertzMax',
      ]),
      ...numbers(['tensorActiveRatio', 'tensorActiveRatioMax', 'smActiveRatio', 'dramActiveRatio']),
      ...numbers(['nvlinkReceiveBytesPerSecond', 'nvlinkTransmitBytesPerSecond']),
      ...numbers(['pcieReceiveBytesPerSecond', 'pcieTransmitBytesPerSecond', 'eccUncorrectedErrors', 'coveredSeconds']),
      ...texts(['throttleReasons']),
    ]),
    ...tiers('host', TIME, 'node, slot', [
      ...words(['node']),
      ...numbers(['cpuUtilizationRatio', 'cpuUtilizationRatioMax', 'cpuStealRatio', 'cpuStealRatioMax']),
      ...numbers(['cpuIoWaitRatio', 'cpuIoWaitRatioMax', 'memoryUsedBytes', 'memoryTotalBytes', 'swapUsedBytes']),
      ...numbers(['loadAverage', 'coveredSeconds']),
    ]),
    ...tiers('link', TIME, 'node, device, port, slot', [
      ...words(['node', 'device', 'port']),
      ...numbers(['receiveBytes', 'transmitBytes', 'rateBitsPerSecond', 'coveredSeconds']),
    ]),
    ...tiers('rankStep', STEPS, 'run, slot, rank', [
      ...words(['run']),
      ...keys(['rank', 'step']),
      ...numbers(['stepSeconds', 'stepSecondsMax', 'computeSeconds', 'computeSecondsMax']),
      ...numbers(['communicationSeconds', 'communicationSecondsMax', 'syncWaitSeconds', 'syncWaitSecondsMax']),
      ...numbers(['dataSeconds', 'dataSecondsMax', 'optimizerSeconds', 'optimizerSecondsMax']),
      ...numbers(['memoryAllocatedBytes', 'memoryPeakBytes', 'residentBytes', 'throttledSeconds', 'runDelaySeconds']),
    ]),
    ...tiers('jobStep', STEPS, 'run, slot', [
      ...words(['run', 'source']),
      ...keys(['step']),
      ...numbers(['seconds', 'secondsMin', 'secondsMax', 'throughput', 'throughputDerived', 'throughputPerGpu']),
      ...numbers(['stepLoss', 'stepLossMin', 'stepLossMax', 'stepGradientNorm', 'stepGradientNormMax']),
      ...numbers(['stepLearningRate', 'loggedFlops', 'loggedMfu', 'total', 'transfer', 'wait']),
    ]),
  ],
}
