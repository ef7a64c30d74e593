// What `npm test` runs: build, types, lint, format, then every vitest project. Programs that are missing are installed meanwhile.
// All stages run even when one fails, so one run shows everything. Ends with "N passed, N failed" over all tests; each stage that is not a test suite counts as one.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-test-'))
const total = { passed: 0, failed: 0, skipped: 0 }
const failedStages = []
/** What failed in the suites: file, name, and what it said. */
const failedTests = []

function run(command, args) {
  return (
    spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } }).status === 0
  )
}

function timed(name, work, before = 0) {
  console.log(`\n── ${name} ${'─'.repeat(Math.max(0, 70 - name.length))}`)
  const from = Date.now()
  const ok = work()
  if (!ok) failedStages.push(name)
  console.log(`── ${name}: ${ok ? 'ok' : 'FAILED'} in ${(before + (Date.now() - from) / 1000).toFixed(1)} s`)
}

function count(ok) {
  total[ok ? 'passed' : 'failed'] += 1
  return ok
}

function check(name, command, args) {
  timed(name, () => count(run(command, args)))
}

/** Checks that need nothing of each other, side by side; what each says comes when it ends. */
async function checkTogether(checks) {
  const running = checks.map(async ([name, command, args]) => {
    const from = Date.now()
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', bytes => said.push(bytes))
    const [code] = await once(child, 'close').catch(error => (said.push(`${error.message}\n`), [1]))
    const seconds = (Date.now() - from) / 1000
    timed(
      name,
      () => {
        process.stdout.write(Buffer.concat(said.map(bytes => Buffer.from(bytes))))
        return count(code === 0)
      },
      seconds,
    )
  })
  await Promise.all(running)
}

/** Apt mostly waits for what it fetches: beside stages that need nothing of it. Gives what says how it went, once it has. */
function setUpMeanwhile() {
  const from = Date.now()
  const said = join(folder, 'setup.txt')
  const file = openSync(said, 'w')
  const child = spawn(process.execPath, ['scripts/test-setup.mjs'], { stdio: ['ignore', file, file] })
  const ended = once(child, 'close')
  return async () => {
    const [code] = await ended
    const work = () => {
      process.stdout.write(readFileSync(said))
      return count(code === 0)
    }
    timed('setup', work, (Date.now() - from) / 1000)
  }
}

function suite(name, projects) {
  timed(name, () => {
    const report = join(folder, `${name}.json`)
    const flags = projects.flatMap(project => ['--project', project])
    const ok = run('npx', [
      'vitest',
      'run',
      ...flags,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ])
    try {
      const result = JSON.parse(readFileSync(report, 'utf8'))
      total.passed += result.numPassedTests
      total.failed += result.numFailedTests
      total.skipped += result.numPendingTests + result.numTodoTests
      for (const file of result.testResults) {
        const failed = file.assertionResults.filter(({ status }) => status === 'failed')
        failedTests.push(...failed.map(test => [file.name, test.fullName, ...test.failureMessages]))
        if (file.status === 'failed' && failed.length === 0) failedTests.push([file.name, file.message])
      }
      // A file that cannot even be loaded has no failed test: it counts all the same.
      if (!ok && result.numFailedTests === 0) total.failed += 1
    } catch {
      total.failed += 1
      return false
    }
    return ok
  })
}

const setUp = setUpMeanwhile()
check('build', 'node', ['scripts/build.mjs'])
await checkTogether([
  ['types', 'npx', ['tsc', '--noEmit', '-p', '.']],
  ['lint', 'npx', ['eslint', '.']],
  ['format', 'npx', ['prettier', '--check', '--log-level', 'warn', '.']],
])
suite('laws and unit', ['laws', 'unit'])
await setUp()
suite('integration', ['integration'])
suite('browser', ['browser'])
suite('deploy', ['deploy'])
suite('real job', ['real'])

rmSync(folder, { recursive: true, force: true })
// At the end once more: of a long output often only the end is kept.
for (const said of failedTests) console.log(`\n${said.join('\n')}`)
if (failedStages.length > 0) console.log(`\nfailed: ${failedStages.join(', ')}`)
console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exitCode = total.failed > 0 ? 1 : 0
