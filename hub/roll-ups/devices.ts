/** Roll-ups of what is sampled: devices, hosts, links. */
import { covered, highest, lowest, mean, newest, type RollUp } from './roll-up'

const TIERS = [
  ['10s', 10],
  ['1m', 60],
  ['10m', 600],
] as const
const tiersOf = (name: string) => TIERS.map(([end, width]) => ({ table: `${name}_${end}`, width, everySeconds: width }))
const finest = TIERS[0][1]

/** A time that no clock shows is of no use in a slot. */
const AN_AGE = 'time > 0 AND time < 1e11'

export const gpuRollUp: RollUp = {
  name: 'gpu',
  table: 'gpu',
  by: 'time',
  keys: ['node', 'index', 'instance'],
  key: 'node',
  tiers: tiersOf('gpu'),
  valid: `index IS NOT NULL AND ${AN_AGE}`,
  columns: {
    uuid: newest('uuid'),
    name: newest('name'),
    source: newest('source'),
    throttleReasons: newest('throttleReasons'),
    utilizationRatio: mean('utilizationRatio'),
    utilizationRatioMin: lowest('utilizationRatio'),
    utilizationRatioMax: highest('utilizationRatio'),
    memoryUtilizationRatio: mean('memoryUtilizationRatio'),
    memoryUsedBytes: highest('memoryUsedBytes'),
    memoryTotalBytes: highest('memoryTotalBytes'),
    powerWatts: mean('powerWatts'),
    powerWattsMax: highest('powerWatts'),
    powerLimitWatts: highest('powerLimitWatts'),
    temperatureCelsius: highest('temperatureCelsius'),
    memoryTemperatureCelsius: highest('memoryTemperatureCelsius'),
    smClockHertz: mean('smClockHertz'),
    smClockHertzMin: lowest('smClockHertz'),
    smClockHertzMax: highest('smClockHertz'),
    tensorActiveRatio: mean('tensorActiveRatio'),
    tensorActiveRatioMax: highest('tensorActiveRatio'),
    smActiveRatio: mean('smActiveRatio'),
    dramActiveRatio: mean('dramActiveRatio'),
    nvlinkReceiveBytesPerSecond: mean('nvlinkReceiveBytesPerSecond'),
    nvlinkTransmitBytesPerSecond: mean('nvlinkTransmitBytesPerSecond'),
    pcieReceiveBytesPerSecond: mean('pcieReceiveBytesPerSecond'),
    pcieTransmitBytesPerSecond: mean('pcieTransmitBytesPerSecond'),
    eccUncorrectedErrors: highest('eccUncorrectedErrors'),
    coveredSeconds: covered(finest),
  },
  rows: where => `SELECT * REPLACE (assumeNotNull(index) AS index) FROM gpu WHERE ${where}`,
}

export const hostRollUp: RollUp = {
  name: 'host',
  table: 'host',
  by: 'time',
  keys: ['node'],
  key: 'node',
  tiers: tiersOf('host'),
  valid: AN_AGE,
  columns: {
    cpuUtilizationRatio: mean('cpuUtilizationRatio'),
    cpuUtilizationRatioMax: highest('cpuUtilizationRatio'),
    cpuStealRatio: mean('cpuStealRatio'),
    cpuStealRatioMax: highest('cpuStealRatio'),
    cpuIoWaitRatio: mean('cpuIoWaitRatio'),
    cpuIoWaitRatioMax: highest('cpuIoWaitRatio'),
    memoryUsedBytes: highest('memoryUsedBytes'),
    memoryTotalBytes: highest('memoryTotalBytes'),
    swapUsedBytes: highest('swapUsedBytes'),
    loadAverage: mean('loadAverage'),
    coveredSeconds: covered(finest),
  },
  rows: where => `SELECT * FROM host WHERE ${where}`,
}

/** Counters: the newest of a slot is its highest, unless the device began anew. */
export const linkRollUp: RollUp = {
  name: 'link',
  table: 'link',
  by: 'time',
  keys: ['node', 'device', 'port'],
  key: 'node',
  tiers: tiersOf('link'),
  valid: AN_AGE,
  columns: {
    receiveBytes: highest('receiveBytes'),
    transmitBytes: highest('transmitBytes'),
    rateBitsPerSecond: highest('rateBitsPerSecond'),
    coveredSeconds: covered(finest),
  },
  rows: where => `SELECT * FROM link WHERE ${where}`,
}
