import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { ConfigError, loadConfig } from '../../src/config.ts'

const SECRET = 'a secret of thirty-two bytes, yes'

function faultsOf (env: Record<string, string>): string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

function publicKey (kind: 'rsa' | 'ec' | 'ed25519', options = {}): string {
  const { publicKey } = generateKeyPairSync(kind as 'rsa', options as { modulusLength: number })
  return publicKey.export({ type: 'spki', format: 'pem' }) as string
}

t.test('needs no settings at all', async t => {
  const config = loadConfig({})
  t.match(config, { host: '127.0.0.1', port: 3000, database: { url: null }, jwt: { secret: null }, corsOrigins: [], unknownUsers: 'create' })
  t.ok(config.dataDir.endsWith('/.data'))
})

t.test('listens to everybody only with a database of its own', async t => {
  t.equal(loadConfig({ DATABASE_URL: 'postgresql://localhost/parley', JWT_SECRET: SECRET }).host, '0.0.0.0')
})

t.test('takes an empty variable for an absent one', async t => {
  t.same(loadConfig({ PORT: '', DATABASE_URL: '', JWT_SECRET: '', CORS_ORIGINS: '' }), loadConfig({}))
})

t.test('cannot be changed', async t => {
  const config = loadConfig({})
  t.throws(() => { Object.assign(config.realtime, { drainMs: 1 }) }, TypeError)
})

t.test('reads seconds with decimals', async t => {
  const { realtime } = loadConfig({ TYPING_TIMEOUT_SECONDS: '0.2', HEARTBEAT_SECONDS: '1', SILENCE_SECONDS: '1.5' })
  t.match(realtime, { typingTimeoutMs: 200, heartbeatMs: 1000, silenceMs: 1500 })
})

t.test('separates origins by commas', async t => {
  t.same(loadConfig({ CORS_ORIGINS: 'https://a.example, http://localhost:5173' }).corsOrigins, ['https://a.example', 'http://localhost:5173'])
  t.same(loadConfig({ CORS_ORIGINS: '*' }).corsOrigins, ['*'])
})

t.test('takes several keys of the server, so that one can be replaced', async t => {
  t.same(loadConfig({ SERVER_API_KEY: `${'a'.repeat(32)}, ${'b'.repeat(40)}` }).serverApiKeys, ['a'.repeat(32), 'b'.repeat(40)])
})

t.test('takes public keys of the three kinds, with line ends spelled out too', async t => {
  for (const key of [publicKey('rsa', { modulusLength: 2048 }), publicKey('ec', { namedCurve: 'P-256' }), publicKey('ed25519')]) {
    t.equal(loadConfig({ JWT_PUBLIC_KEY: key }).jwt.publicKey, key)
    t.equal(loadConfig({ JWT_PUBLIC_KEY: key.replaceAll('\n', '\\n') }).jwt.publicKey, key)
  }
})

t.test('names the setting that is wrong', async t => {
  const database = { DATABASE_URL: 'postgresql://localhost/parley' }
  const { privateKey } = generateKeyPairSync('ed25519')
  const cases: [Record<string, string>, RegExp][] = [
    [{ PORT: 'http' }, /^PORT must be a whole number from 0 to 65535, but is "http"$/],
    [{ PORT: '65536' }, /^PORT /],
    [{ PORT: '-1' }, /^PORT /],
    [{ PORT: '3000.5' }, /^PORT /],
    [{ PORT: '0x10' }, /^PORT /],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be one of .*, but is "loud"$/],
    [{ ...database, JWT_SECRET: SECRET, DATABASE_PREPARE: 'yes' }, /^DATABASE_PREPARE /],
    [{ DATABASE_POOL_MAX: '0' }, /^DATABASE_POOL_MAX /],
    [{ DATABASE_URL: 'mysql://localhost/parley', JWT_SECRET: SECRET }, /^DATABASE_URL must be a URL that starts with postgresql:/],
    [{ DATABASE_DIRECT_URL: 'postgresql://localhost/parley' }, /^DATABASE_DIRECT_URL is set without DATABASE_URL$/],
    [database, /^JWT_SECRET is not set: with DATABASE_URL/],
    [{ ...database, JWT_SECRET: 'short' }, /^JWT_SECRET must have at least 32 bytes$/],
    [{ JWT_SECRET: SECRET, JWKS_URL: 'https://a.example/jwks.json' }, /^JWT_SECRET, JWKS_URL: only one of them/],
    [{ JWT_PUBLIC_KEY: 'not a key' }, /^JWT_PUBLIC_KEY must be a public key/],
    [{ JWT_PUBLIC_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }, /^JWT_PUBLIC_KEY /],
    [{ JWT_PUBLIC_KEY: publicKey('rsa', { modulusLength: 1024 }) }, /^JWT_PUBLIC_KEY /],
    [{ JWT_PUBLIC_KEY: publicKey('ec', { namedCurve: 'secp256k1' }) }, /^JWT_PUBLIC_KEY /],
    [{ JWKS_URL: 'a.example/jwks.json' }, /^JWKS_URL /],
    [{ CORS_ORIGINS: 'https://a.example/' }, /^CORS_ORIGINS .*"https:\/\/a\.example\/"/],
    [{ CORS_ORIGINS: '*.a.example' }, /^CORS_ORIGINS /],
    [{ SERVER_API_KEY: `${'a'.repeat(32)},short` }, /^SERVER_API_KEY must be keys of at least 32 characters, separated by commas$/],
    [{ DELETED_CONTENT_DAYS: 'ever' }, /^DELETED_CONTENT_DAYS /],
    [{ UNKNOWN_USERS: 'invite' }, /^UNKNOWN_USERS must be one of create, refuse/],
    [{ EDIT_WINDOW_SECONDS: '15m' }, /^EDIT_WINDOW_SECONDS /],
    [{ RATE_LIMIT_COMMANDS: '-1' }, /^RATE_LIMIT_COMMANDS /],
    [{ MAX_CONNECTIONS_PER_USER: '0' }, /^MAX_CONNECTIONS_PER_USER /],
    [{ SWEEP_SECONDS: '0' }, /^SWEEP_SECONDS /],
    [{ DRAIN_SECONDS: '9999999' }, /^DRAIN_SECONDS /], // setTimeout would fire at once
    [{ FAILPOINT: 'publish' }, /^FAILPOINT must be one of publish, answer, and a number/],
    [{ FAILPOINT: 'elsewhere:1' }, /^FAILPOINT /],
    [{ FAILPOINT: 'publish:1', NODE_ENV: 'production' }, /^FAILPOINT is for tests/],
    [{ HEARTBEAT_SECONDS: '40' }, /^SILENCE_SECONDS must be more than HEARTBEAT_SECONDS/],
  ]
  for (const [env, line] of cases) {
    const faults = faultsOf(env)
    t.equal(faults.length, 1, `one fault: ${JSON.stringify(env)}`)
    t.match(faults[0], line)
  }
})

t.test('tells all faults at once', async t => {
  t.equal(faultsOf({ PORT: 'x', LOG_LEVEL: 'x', UNKNOWN_USERS: 'x' }).length, 3)
})

t.test('keeps secrets and passwords out of what it tells', async t => {
  t.notMatch(faultsOf({ DATABASE_URL: 'mysql://u:hunter2@localhost/x', JWT_SECRET: 'hunter2' }).join(), /hunter2/)
})

t.test('.env.example has every setting, with its default', async t => {
  const listed = new Map([...readFileSync('.env.example', 'utf8').matchAll(/^#([A-Z0-9_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]))
  t.same(loadConfig(Object.fromEntries(listed)), loadConfig({}))

  const asked = new Set<string>()
  loadConfig(new Proxy({}, { get: (_, name) => { asked.add(String(name)) } }))
  asked.delete('FAILPOINT') // for tests alone
  t.same([...listed.keys()].sort(), [...asked].sort())
})
