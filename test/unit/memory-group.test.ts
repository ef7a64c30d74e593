/** Kills that a memory cgroup counts: on files as the kernel writes them. */
import { describe, expect, it } from 'vitest'
import { GroupWatch, groupsOf, killIn } from '../../collectors/kernel/memory-group'
import { memoryLimitOf } from '../../collectors/kernel/memory-limit'
import { RankWatch } from '../../collectors/logs/ranks'
import type { WireRecord } from '../../wire/records'
import { FakeHost } from './fake-host'

const JOB = '/sys/fs/cgroup/system.slice/job_7'
const events = (kills: number) => `low 0\nhigh 0\nmax 91\noom ${kills}\noom_kill ${kills}\noom_group_kill 0\n`
const second = (kills: number) => ({
  '/proc/42/cgroup': '0::/system.slice/job_7/task_0\n',
  [`${JOB}/memory.events`]: events(kills),
  [`${JOB}/memory.max`]: '1073741824\n',
  [`${JOB}/task_0/memory.events`]: events(kills),
  [`${JOB}/task_0/memory.max`]: '1073741824\n',
  [`${JOB}/task_0/memory.peak`]: '1073700864\n',
})
const ONE = {
  '/proc/42/cgroup': '12:cpu,cpuacct:/\n4:memory:/slurm/job_7\n0::/\n',
  '/sys/fs/cgroup/memory/slurm/job_7/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
  '/sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes': '2147483648\n',
}

function hostWith(files: Readonly<Record<string, string>>): FakeHost {
  const host = new FakeHost()
  for (const [path, text] of Object.entries(files)) host.write(path, text)
  return host
}

describe('a memory cgroup', () => {
  it('of version 2 tells of a kill, its limit and what was held', async () => {
    const groups = await groupsOf(hostWith(second(1)), 42)
    expect(groups.map(({ kills }) => kills)).toEqual([1, 1])
    expect(await killIn(hostWith(second(2)), groups)).toMatchObject({
      type: 'host-oom',
      capacityBytes: 1 << 30,
      message: `oom_kill of the memory cgroup ${JOB}/task_0 rose from 1 to 2; its processes held 1073700864 bytes at most`,
      parts: [{ bytes: 1_073_700_864 }],
    })
    expect(await killIn(hostWith(second(1)), groups)).toBeUndefined()
  })

  it('that is gone with its process is asked for through the one around it', async () => {
    const groups = await groupsOf(hostWith(second(0)), 42)
    const left = Object.entries(second(1)).filter(([path]) => !path.includes('task_0'))
    const found = await killIn(hostWith(Object.fromEntries(left)), groups)
    expect(found).toMatchObject({ capacityBytes: 1 << 30 })
    expect(found?.message).toContain(JOB)
  })

  it('of version 1 is read beside a version 2 without controllers', async () => {
    const groups = await groupsOf(hostWith(ONE), 42)
    expect(groups).toEqual([{ folder: '/sys/fs/cgroup/memory/slurm/job_7', kills: 3 }])
  })

  it('of a container stands at the root of what is mounted; one without a limit has no capacity', async () => {
    const files = (kills: number) => ({
      '/proc/42/cgroup': '0::/docker/7f3a\n',
      '/sys/fs/cgroup/memory.events': events(kills),
      '/sys/fs/cgroup/memory.max': 'max\n',
    })
    const found = await killIn(hostWith(files(1)), await groupsOf(hostWith(files(0)), 42))
    expect(found).toMatchObject({ type: 'host-oom', capacityBytes: undefined })
  })

  it('that cannot be read says nothing', async () => {
    expect(await groupsOf(hostWith({ '/proc/42/cgroup': 'rubbish\n' }), 42)).toEqual([])
    expect(await killIn(hostWith({}), [{ folder: JOB, kills: 0 }])).toBeUndefined()
  })

  it('is followed where a process moves to another', async () => {
    const host = hostWith({ ...second(0), '/proc/42/cgroup': '0::/elsewhere\n' })
    const watch = new GroupWatch(host, 42)
    await watch.look()
    for (const [path, text] of Object.entries(second(5))) host.write(path, text)
    await watch.look()
    for (const [path, text] of Object.entries(second(6))) host.write(path, text)
    // A process that ends is seen in the group of all.
    host.write('/proc/42/cgroup', '0::/\n')
    host.write('/sys/fs/cgroup/memory.events', events(0))
    await watch.look()
    expect(await watch.kill()).toMatchObject({ type: 'host-oom' })
  })

  it('tells which rank was killed where one alone is gone', async () => {
    const host = hostWith({ ...second(0), '/proc/42/stat': `42 (python3) S ${'0 '.repeat(18)}777` })
    const watch = new RankWatch(host, undefined, undefined)
    watch.note({ kind: 'rank', run: 'r', rank: 3, pid: 42, node: host.hostname })
    const told: WireRecord[] = []
    const look = () => watch.look(records => told.push(...records))
    await look()
    for (const [path, text] of Object.entries(second(1))) host.write(path, text)
    host.remove('/proc/42/stat')
    await look()
    await look()
    expect(told.find(record => record.kind === 'event')).toMatchObject({ type: 'host-oom', rank: 3, pid: 42, run: 'r' })
  })
})

describe('what a process may have', () => {
  const status = {
    '/proc/42/limits':
      'Limit  Soft Limit  Hard Limit  Units\nMax address space         unlimited            unlimited            bytes\n',
  }
  it('is the tightest of its groups, without files that can be dropped', async () => {
    const files = {
      ...second(0),
      ...status,
      [`${JOB}/memory.current`]: '900000000\n',
      [`${JOB}/memory.stat`]: 'anon 5\ninactive_file 100000000\n',
      [`${JOB}/memory.high`]: 'max\n',
      [`${JOB}/task_0/memory.current`]: '700000000\n',
      [`${JOB}/task_0/memory.max`]: 'max\n',
    }
    const [name, bytes] = ['memory.max of /system.slice/job_7', 1 << 30]
    expect(await memoryLimitOf(hostWith(files), 42)).toEqual({ name, bytes, usedBytes: 800_000_000 })
    const slowed = { ...files, [`${JOB}/task_0/memory.high`]: '750000000\n' }
    expect(await memoryLimitOf(hostWith(slowed), 42)).toMatchObject({
      name: 'memory.high of /system.slice/job_7/task_0',
      usedBytes: 700_000_000,
    })
  })

  it('is told by version 1 and by a container’s own root, and is none where nothing limits it', async () => {
    const one = { ...ONE, '/sys/fs/cgroup/memory/slurm/job_7/memory.usage_in_bytes': '2000000000\n' }
    expect(await memoryLimitOf(hostWith(one), 42)).toMatchObject({ name: 'memory.limit_in_bytes of /slurm/job_7' })
    const pod = {
      '/proc/42/cgroup': '0::/kubepods/pod7\n',
      '/sys/fs/cgroup/memory.current': '5\n',
      '/sys/fs/cgroup/memory.max': '9\n',
    }
    expect(await memoryLimitOf(hostWith(pod), 42)).toEqual({ name: 'memory.max of /', bytes: 9, usedBytes: 5 })
    const free = { '/proc/42/cgroup': '4:memory:/\n', '/sys/fs/cgroup/memory/memory.usage_in_bytes': '5\n' }
    const unlimited = { ...free, ...status, '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n' }
    expect(await memoryLimitOf(hostWith(unlimited), 42)).toBeUndefined()
  })

  it('is ulimit -v where that leaves least', async () => {
    const files = {
      '/proc/42/limits': 'Max address space         8192                 unlimited            bytes     \n',
      '/proc/42/statm': '1 1 0 0 0 0 0\n',
    }
    expect(await memoryLimitOf(hostWith(files), 42)).toEqual({ name: 'ulimit -v', bytes: 8192, usedBytes: 4096 })
  })
})
