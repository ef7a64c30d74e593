// A small client of the hub's HTTP API: node examples/client.mjs http://127.0.0.1:3000
// A hub with a token: PLUMBLINE_TOKEN=… in front of it.
// Prints each run that goes on, and what was found of it. The whole API: GET /api/openapi.json.
const hub = (process.argv[2] ?? 'http://127.0.0.1:3000').replace(/\/+$/, '')
const token = process.env.PLUMBLINE_TOKEN
const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }

async function get(path) {
  const response = await fetch(`${hub}${path}`, { headers })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${answer.error}${answer.fix === undefined ? '' : ` (${answer.fix})`}`)
  return answer
}

for (const { run, name, state, step, stepSeconds } of await get('/api/runs')) {
  const time = stepSeconds.value === null ? 'step time not known' : `${stepSeconds.value.toFixed(3)} s a step`
  console.log(`${name} (${run}): ${state}, step ${step ?? 'not known'}, ${time}`)
  for (const { severity, title, nextStep } of await get(`/api/runs/${encodeURIComponent(run)}/findings`))
    console.log(`  ${severity}: ${title}; next: ${nextStep}`)
}
