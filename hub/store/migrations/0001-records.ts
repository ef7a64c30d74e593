/**
 * The first tables: one wide table per kind of record, columns named as in the catalogue. Numbers are NULL where absent,
 * texts and JSON are ''. `agent` and `sequence` say which batch a row came with: what was stored is never stored twice.
 */
import type { Migration } from './migration'

export const records: Migration = {
  version: 1,
  name: 'records',
  statements: [
    `CREATE TABLE \`gpu\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`node\` LowCardinality(String),
      \`index\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`uuid\` LowCardinality(String),
      \`name\` LowCardinality(String),
      \`vendor\` LowCardinality(String),
      \`source\` LowCardinality(String),
      \`utilizationRatio\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryUtilizationRatio\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryUsedBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryTotalBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`powerWatts\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`powerLimitWatts\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`temperatureCelsius\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryTemperatureCelsius\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`smClockHertz\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`smClockMaxHertz\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryClockHertz\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`throttleReasons\` String CODEC(ZSTD),
      \`pcieGeneration\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`pcieWidth\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`tensorActiveRatio\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`smActiveRatio\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`dramActiveRatio\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`nvlinkReceiveBytesPerSecond\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`nvlinkTransmitBytesPerSecond\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`eccUncorrectedErrors\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`eccCorrectedErrors\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`migMode\` LowCardinality(String),
      \`processes\` String CODEC(ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (node, index, time)
    SETTINGS allow_nullable_key = 1`,
    `CREATE TABLE \`host\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`node\` LowCardinality(String),
      \`cpuCount\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`cpuUtilizationRatio\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`cpuStealRatio\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`cpuIoWaitRatio\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryUsedBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryTotalBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`swapUsedBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`loadAverage\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (node, time)
    SETTINGS allow_nullable_key = 1`,
    `CREATE TABLE \`link\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`node\` LowCardinality(String),
      \`device\` LowCardinality(String),
      \`port\` LowCardinality(String),
      \`receiveBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`transmitBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`rateBitsPerSecond\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`state\` LowCardinality(String),
      \`errors\` String CODEC(ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (node, device, time)
    SETTINGS allow_nullable_key = 1`,
    `CREATE TABLE \`step\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`run\` LowCardinality(String),
      \`node\` LowCardinality(String),
      \`rank\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`source\` LowCardinality(String),
      \`step\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`totalSteps\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`stepSeconds\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`tokens\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`samples\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`tokensPerSecond\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`tokensPerSecondPerGpu\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`samplesPerSecond\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`flopsPerSecondPerGpu\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`mfu\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`loss\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`gradientNorm\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`learningRate\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryAllocatedBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryReservedBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryPeakBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`memoryCategories\` String CODEC(ZSTD),
      \`residentBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`phases\` String CODEC(ZSTD),
      \`dataSeconds\` Nullable(Float64) MATERIALIZED JSONExtract(phases, 'data', 'seconds', 'Nullable(Float64)') CODEC(Gorilla, ZSTD),
      \`forwardSeconds\` Nullable(Float64) MATERIALIZED JSONExtract(phases, 'forward', 'seconds', 'Nullable(Float64)') CODEC(Gorilla, ZSTD),
      \`backwardSeconds\` Nullable(Float64) MATERIALIZED JSONExtract(phases, 'backward', 'seconds', 'Nullable(Float64)') CODEC(Gorilla, ZSTD),
      \`communicationSeconds\` Nullable(Float64) MATERIALIZED JSONExtract(phases, 'communication', 'seconds', 'Nullable(Float64)') CODEC(Gorilla, ZSTD),
      \`optimizerSeconds\` Nullable(Float64) MATERIALIZED JSONExtract(phases, 'optimizer', 'seconds', 'Nullable(Float64)') CODEC(Gorilla, ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (run, step, rank, time)
    SETTINGS allow_nullable_key = 1`,
    `CREATE TABLE \`config\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`run\` LowCardinality(String),
      \`framework\` LowCardinality(String),
      \`model\` String CODEC(ZSTD),
      \`parallelism\` String CODEC(ZSTD),
      \`batch\` String CODEC(ZSTD),
      \`precision\` LowCardinality(String),
      \`optimizer\` LowCardinality(String),
      \`recompute\` LowCardinality(String),
      \`hardware\` String CODEC(ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (run, time)
    SETTINGS allow_nullable_key = 1`,
    `CREATE TABLE \`event\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`run\` LowCardinality(String),
      \`node\` LowCardinality(String),
      \`rank\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`type\` LowCardinality(String),
      \`gpuIndex\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`message\` String CODEC(ZSTD),
      \`requestedBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`capacityBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`freeBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`processBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`allocatedBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`reservedBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`reservedUnallocatedBytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`exitCode\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (run, time)
    SETTINGS allow_nullable_key = 1`,
    `CREATE TABLE \`collective\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`run\` LowCardinality(String),
      \`node\` LowCardinality(String),
      \`rank\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`group\` LowCardinality(String),
      \`operation\` LowCardinality(String),
      \`bytes\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`seconds\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`busBytesPerSecond\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`step\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (run, step, rank, time)
    SETTINGS allow_nullable_key = 1`,
    `CREATE TABLE \`run\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`run\` LowCardinality(String),
      \`node\` LowCardinality(String),
      \`name\` LowCardinality(String),
      \`command\` String CODEC(ZSTD),
      \`state\` LowCardinality(String),
      \`pid\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`exitCode\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`synthetic\` String CODEC(ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (run, time)
    SETTINGS allow_nullable_key = 1`,
    `CREATE TABLE \`rank\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`run\` LowCardinality(String),
      \`node\` LowCardinality(String),
      \`rank\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`localRank\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`worldSize\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`pid\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`gpuIndex\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`gpuUuid\` LowCardinality(String),
      \`device\` LowCardinality(String),
      \`coordinates\` String CODEC(ZSTD),
      \`state\` LowCardinality(String),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (run, rank, time)
    SETTINGS allow_nullable_key = 1`,
    `CREATE TABLE \`collector\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`node\` LowCardinality(String),
      \`name\` LowCardinality(String),
      \`state\` LowCardinality(String),
      \`message\` String CODEC(ZSTD),
      \`fix\` String CODEC(ZSTD),
      \`durationSeconds\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`failures\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`linesRead\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`linesUnread\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (node, name, time)
    SETTINGS allow_nullable_key = 1`,
  ],
}
