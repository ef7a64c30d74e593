import { describe, expect, it } from 'vitest'
import { runOfPod } from '../../collectors/pod'
import { FakeHost } from './fake-host'
import { POD_CASES } from './pod-labels'

describe('the run of a pod', () => {
  it.each(POD_CASES)('is %s by its labels', async (run, ...lines) => {
    const host = new FakeHost()
    host.write('/etc/podinfo/labels', lines.join('\n'))
    expect((await runOfPod(host)) ?? 'elastic').toBe(run)
  })

  it('is unknown where no labels are mounted', async () => {
    expect(await runOfPod(new FakeHost())).toBeUndefined()
  })
})
