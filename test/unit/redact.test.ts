import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redact, REDACTED } from '../../base/redact'

/** Made up, in the forms that the services give out; put together here so that no scanner takes them for real ones. */
const of = (head: string, body: string, length: number) => head + body.repeat(length).slice(0, length)
const HF = of('hf_', 'AbCdEfGh1jKl', 34)
const AWS = of('AKIA', 'IOSFODNN7EXAMPLE', 16)
const JWT = `${of('eyJ', 'hbGciOiJIUz1', 20)}.${of('eyJ', 'zdWIiOiIx', 20)}.${of('', 'Sfl-Kx_w', 30)}`
const PLAIN = 'correct-horse/9+battery='

const SECRETS: readonly (readonly [text: string, secret: string])[] = [
  [`train.py --token ${PLAIN} --lr 1e-4`, PLAIN],
  [`train.py --token=${PLAIN}`, PLAIN],
  ['train.py --token X --lr 1', ' X '],
  ['train.py --hf-token abcdef', 'abcdef'],
  ['train.py --hub_token=abcdef', 'abcdef'],
  ['train.py --api-key=abcdef', 'abcdef'],
  ['train.py --apikey abcdef', 'abcdef'],
  ['train.py --openai.api_key abcdef', 'abcdef'],
  ["train.py --password 'a b c' --x", 'a b c'],
  ['train.py --password "a \'b\' c"', "a 'b' c"],
  ['train.py -password hunter2', 'hunter2'],
  ['train.py --db-password 12345678', '12345678'],
  ['train.py --secret s3', 's3'],
  ['HF_TOKEN=abc123 python train.py', 'abc123'],
  ['export HF_TOKEN="abc 123"; python train.py', 'abc 123'],
  ['env WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567 torchrun', '0123456789abcdef'],
  ['HUGGING_FACE_HUB_TOKEN=abcdef', 'abcdef'],
  ['AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'wJalr'],
  ['AWS_SESSION_TOKEN=/abc+def/==', '/abc+def/'],
  ['COMET_API_KEY: abc123', 'abc123'],
  ['MLFLOW_TRACKING_PASSWORD=hunter2', 'hunter2'],
  ['NEPTUNE_API_TOKEN=abc', 'abc'],
  ['KAGGLE_KEY=abcdef', 'abcdef'],
  ['DB_PASS=hunter2', 'hunter2'],
  ['AUTHTOKEN=abcdef', 'abcdef'],
  ['DefaultEndpointsProtocol=https;AccountName=me;AccountKey=abc==;', 'abc=='],
  ['{"api_key": "abc def", "lr": 1}', 'abc def'],
  ['{"hfToken":"abcdef"}', 'abcdef'],
  [`{'password': 'x"y', 'lr': 1}`, 'x"y'],
  ['{\\"token\\": \\"abcdef123\\"}', 'abcdef123'],
  ["Namespace(lr=0.1, hub_token='abcdef', seed=1)", 'abcdef'],
  ['hub_token: abcdef', 'abcdef'],
  ['wandb: api key: 0123456789abcdef', '0123456789abcdef'],
  ['clientSecret=abcdef', 'abcdef'],
  ['git clone https://me:abcdef@github.com/x/y', 'abcdef'],
  ['git clone https://0123456789abcdef0123@github.com/x/y', '0123456789abcdef0123'],
  ['redis://:abcdef@host:6379/0', 'abcdef'],
  ['postgresql+psycopg2://me:ab%40c@db/x', 'ab%40c'],
  ['s3 get https://b.s3.amazonaws.com/k?X-Amz-Signature=abc123&X-Amz-Date=1', 'abc123'],
  ['azcopy https://a.blob.core.windows.net/c?sv=1&sig=abc%2F123', 'abc%2F123'],
  ['GET /v1/models?access_token=abcdef&x=1', 'abcdef'],
  ['curl -H "Authorization: Bearer abc"', 'abc'],
  ["{'Authorization': 'Basic dXNlcjpwYXNz'}", 'dXNlcjpwYXNz'],
  ['authorization: token abcdef', 'abcdef'],
  [`said Bearer ${PLAIN}`, PLAIN],
  ['curl -su me:hunter2 https://x', ''],
  ['curl -s -u me:hunter2 https://x', 'hunter2'],
  ['curl --user me:hunter2 https://x', 'hunter2'],
  ['sshpass -p hunter2 ssh host', 'hunter2'],
  ['wandb login 0123456789abcdef0123456789abcdef01234567', '0123456789'],
  ['posts to https://hooks.slack.com/services/T0/B0/abcdef', 'abcdef'],
  ['posts to https://discord.com/api/webhooks/123/abcdef', 'abcdef'],
  [`login(${HF})`, HF],
  [`using ${AWS} here`, AWS],
  [`cookie ${JWT};`, JWT],
  [of('key is sk-', 'proj-Ab1', 40), of('', 'proj-Ab1', 40)],
  [of('remote: ghp_', 'Ab1', 36), of('ghp_', 'Ab1', 36)],
  [of('use xoxb-', '123-', 20), of('xoxb-', '123-', 20)],
  [of('nvapi-', 'Ab1_-', 40), of('nvapi-', 'Ab1_-', 40)],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\nxyz\n-----END RSA PRIVATE KEY-----', 'MIIEabc'],
  [of('', 'MIIEpAIBAAKCAQEA7b+/', 64), 'MIIEpAIBAAKCAQEA7b'],
  // The line was cut within it.
  ['config {"password": "a b c …', 'a b c'],
]

const HARMLESS: readonly string[] = [
  'iter 20: loss 3.3924, time 180.24ms, tokens=1024, tokens/s: 5000',
  'tokens: 1,048,576 | tokens per second: 12.3k',
  'token=1024',
  'token: 17',
  'step 3: per_token_loss=0.1 ms_per_token=3.2 loss per token: 2.1',
  '--tokenizer meta-llama/Llama-2-7b --tokens-per-batch 4096 --token-count 5',
  '--tokenizer.path=/data/tok.model --max-tokens 12 --n_token=7',
  'pad_token=<pad> eos_token=</s> bos_token: <s> eos_token_id=2',
  "special tokens: {'unk_token': '<unk>', 'pad_token': '[PAD]'}",
  'next token: hello',
  'token: hello',
  '{"token": "the", "logprob": -0.1}',
  'commit 3f786850e387550fdab836ed7e6dc881de23001b',
  'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'key=value sort_key=name partition key: rank public_key=abc primary-key id',
  'KeyError: key "lr" not found; missing key: optimizer',
  'loading key value heads: 8, query key norm',
  'forward_pass=0.3 s backward pass: 1.2 s',
  'hf_transfer enabled, hf_hub 0.2, sk-learn 1.3',
  '--use-auth-token True --token $HF_TOKEN --password ${PW} --token None',
  'start the agent with --token or PLUMBLINE_TOKEN as the hub was',
  'HF_TOKEN is not set; PWD=/home/me/run',
  'GOOGLE_APPLICATION_CREDENTIALS=/etc/gcp/key.json',
  'http://127.0.0.1:3000/runs/x?from=1 ssh://git@github.com/x tcp://10.0.0.1:29500',
  'master_addr=10.0.0.1:29500 init_method=tcp://node-1:29500',
  'basic usage of the bearer tokens; Basic block: 3 layers; basic 12345',
  'time 12:30:01 rank 3: password',
  '[rank0]:   File "/usr/lib/python3/token.py", line 12, in key',
  'Token indices sequence length is longer than 1024 (1025 > 1024)',
  'token 5 of 10, secret sauce, the key to success',
]

describe('redact', () => {
  it.each(SECRETS)('%s', (text, secret) => {
    const told = redact(text)
    if (secret === '') return
    expect(told).not.toContain(secret)
    expect(told).toContain(REDACTED)
    // Twice is as once: what is read from a log may have been redacted before.
    expect(redact(told)).toBe(told)
  })

  it.each(HARMLESS)('leaves as it is: %s', text => {
    expect(redact(text)).toBe(text)
  })

  it('keeps what stands around a secret', () => {
    expect(redact(`torchrun a.py --token ${PLAIN} --lr 1e-4 HF_TOKEN=x; wandb sync`)).toBe(
      `torchrun a.py --token ${REDACTED} --lr 1e-4 HF_TOKEN=${REDACTED} wandb sync`,
    )
    expect(redact('{"lr": 1, "api_key": "abc", "seed": 3}')).toBe(`{"lr": 1, "api_key": "${REDACTED}", "seed": 3}`)
    expect(redact('redis://me:abc@host:6379/0 said no')).toBe(`redis://me:${REDACTED}@host:6379/0 said no`)
  })

  it('takes out any value after any name of a secret, however it is written', () => {
    // Enough letters to be no number with a unit.
    const value = fc.stringMatching(/^[A-Za-z][A-Za-z0-9+/_=-]{12,40}$/).filter(text => /(?:[a-z].*){6}/i.test(text))
    const name = fc.constantFrom(
      'TOKEN',
      'api_key',
      'apiKey',
      'API-KEY',
      'secret',
      'hf_token',
      'db.password',
      'accessToken',
    )
    const form = fc.constantFrom(
      (n: string, v: string) => `--${n} ${v} --x 1`,
      (n: string, v: string) => `--${n}=${v}`,
      (n: string, v: string) => `a=1 ${n}=${v} b=2`,
      (n: string, v: string) => `{"${n}": "${v}"}`,
      (n: string, v: string) => `f(${n}='${v}', x=1)`,
    )
    fc.assert(
      fc.property(name, value, form, (n, v, write) => {
        expect(redact(write(n, v))).not.toContain(v)
      }),
      { numRuns: 200 },
    )
  })

  it('never throws, and ends soon on long lines of any kind', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), text => void redact(`token ${text}`)))
    for (const part of [
      'a',
      '-',
      ' ',
      'token ',
      'key=',
      '"',
      "\\'",
      'https://',
      'Bearer ',
      'token="',
      'eyJ',
      'x.',
      'curl -u ',
    ])
      expect(redact(`token=abc ${part.repeat(4096 / part.length)}`).startsWith(`token=${REDACTED}`)).toBe(true)
  })
})
