import { describe, expect, it } from 'vitest'
import { clusterStatement, dropFaceStatement, everyReplica, faceStatement } from '../../hub/store/cluster'
import { migrations } from '../../hub/store/migrations/index'

const on = (statement: string) => clusterStatement(statement, 'prod')

describe('statements on a cluster', () => {
  it('make a table replicated, with a face before it', () => {
    expect(on('CREATE TABLE `gpu` (time Float64, agent String) ENGINE = MergeTree ORDER BY time')).toEqual({
      local:
        'CREATE TABLE IF NOT EXISTS `gpu_local` ON CLUSTER `prod` (time Float64, agent String) ENGINE = ReplicatedMergeTree ORDER BY time',
      faces: ['gpu'],
      gone: [],
    })
    expect(faceStatement('gpu', 'agent', 'prod').replace(/\s+/g, ' ')).toBe(
      "CREATE OR REPLACE TABLE `gpu` ON CLUSTER `prod` AS `gpu_local` ENGINE = Distributed('prod', currentDatabase(), 'gpu_local', cityHash64(`agent`))",
    )
  })

  it('make one like another', () => {
    expect(on('CREATE TABLE `gpu_days` AS `gpu` ENGINE = MergeTree ORDER BY time')?.local).toBe(
      'CREATE TABLE IF NOT EXISTS `gpu_days_local` ON CLUSTER `prod` AS `gpu_local` ENGINE = ReplicatedMergeTree ORDER BY time',
    )
    expect(on('CREATE TABLE t (a Int8) ENGINE = ReplacingMergeTree ORDER BY a')?.local).toContain(
      'ENGINE = ReplicatedReplacingMergeTree ORDER BY a',
    )
  })

  it('change the face where columns change, and rows alone where how they lie does', () => {
    expect(on('ALTER TABLE `step`\n  ADD COLUMN IF NOT EXISTS a Int8')).toEqual({
      local: 'ALTER TABLE `step_local` ON CLUSTER `prod` ADD COLUMN IF NOT EXISTS a Int8',
      faces: ['step'],
      gone: [],
    })
    expect(on('ALTER TABLE `step` MODIFY SETTING old_parts_lifetime = 60')?.faces).toEqual([])
    expect(on("ALTER TABLE `line` DROP PARTITION ID '20260101'")?.local).toBe(
      "ALTER TABLE `line_local` ON CLUSTER `prod` DROP PARTITION ID '20260101'",
    )
  })

  it('rename, exchange and drop', () => {
    expect(on('RENAME TABLE a TO b')).toEqual({
      local: 'RENAME TABLE `a_local` TO `b_local` ON CLUSTER `prod`',
      faces: ['b'],
      gone: ['a'],
    })
    expect(on('EXCHANGE TABLES `a` AND `b`')).toEqual({
      local: 'EXCHANGE TABLES `a_local` AND `b_local` ON CLUSTER `prod`',
      faces: ['a', 'b'],
      gone: [],
    })
    expect(on('DROP TABLE IF EXISTS `a`')?.local).toBe('DROP TABLE IF EXISTS `a_local` ON CLUSTER `prod` SYNC')
    expect(dropFaceStatement('a', 'prod')).toBe('DROP TABLE IF EXISTS `a` ON CLUSTER `prod` SYNC')
  })

  it('ask and write rows as before', () => {
    expect(on('INSERT INTO delivered SELECT agent, max(sequence), 0 FROM `gpu` GROUP BY agent')).toBeUndefined()
    expect(everyReplica('gpu', 'prod')).toBe("clusterAllReplicas('prod', currentDatabase(), 'gpu_local')")
  })

  it('are refused where they have no translation', () => {
    expect(() => on('CREATE MATERIALIZED VIEW v TO t AS SELECT 1')).toThrow('no translation for a cluster')
  })

  it('are all of the migrations', () => {
    const all = migrations.flatMap(({ statements, upgrade = [] }) => [...statements, ...upgrade])
    const wrong = all.filter(statement => {
      const translated = on(statement)
      const makes = /^CREATE TABLE/.test(statement)
      return makes
        ? translated?.local.includes(' ON CLUSTER `prod` ') !== true ||
            !/ENGINE = Replicated\w*MergeTree/.test(translated.local)
        : translated === undefined && !statement.startsWith('INSERT INTO')
    })
    expect(wrong).toEqual([])
  })
})
