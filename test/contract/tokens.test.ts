// Who may come in: tokens of every kind, by REST and by all three ways of the WebSocket, and what the answer is to the others.
import { createHmac, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSigner, type Algorithm } from 'fast-jwt'
import t, { type Test } from 'tap'
import { PREFIX, routesOf } from '../helpers/contract.ts'
import { JWT_SECRET, startParley, type Parley } from '../helpers/parley.ts'
import { snapshot } from '../helpers/snapshot.ts'
import { callRoute, connect, rest, type Input } from '../helpers/wire.ts'

const now = Math.floor(Date.now() / 1000)
const CLAIMS = { sub: 'alice', iat: now, exp: now + 3600, iss: 'https://app.example', aud: 'chat' }
const CLOSE_CODES: Record<string, number> = { TOKEN_INVALID: 4401, TOKEN_EXPIRED: 4101, OVERLOADED: 4000 }
const parley = await startParley(t, { JWT_ISSUER: CLAIMS.iss, JWT_AUDIENCE: CLAIMS.aud })
const { databaseUrl } = parley

const base64 = (value: string | object) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
/** By hand, so that it can say what no library would. */
function hmac (claims: string | object, { header = { alg: 'HS256', typ: 'JWT' }, key = JWT_SECRET, hash = 'sha256' }: { header?: object, key?: string, hash?: string } = {}): string {
  const signed = `${base64(header)}.${base64(claims)}`
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`
}
const sign = (key: KeyObject, algorithm: Algorithm, more: object = {}, kid?: string) =>
  createSigner({ key: key.export({ type: 'pkcs8', format: 'pem' }), algorithm, ...(kid && { kid }) })({ ...CLAIMS, ...more })
const without = (claim: keyof typeof CLAIMS) => ({ ...CLAIMS, [claim]: undefined })

const pairs = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
}
const another = { RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }), ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }), EdDSA: generateKeyPairSync('ed25519') }
const ALGORITHMS = Object.keys(pairs) as (keyof typeof pairs)[]
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

/** By REST, and by header, subprotocol and first frame of a socket: all judge alike. null: it is let in. */
async function judged (t: Test, server: Parley, name: string, token: string, expected: string | null): Promise<void> {
  const { code, body } = await rest(server, 'GET', `${PREFIX}/me`, { token })
  t.equal(code, expected, `${name}, by REST`)
  if (expected === null) t.equal(body.id, 'alice', `${name}: is alice`)
  const protocols = /^[\w.-]+$/.test(token) ? ['parley.v1', `bearer.${token}`] : null // else it cannot be a subprotocol
  const ways = { header: { token }, ...(protocols && { subprotocol: { protocols } }), frame: {} }
  for (const [way, options] of Object.entries(ways)) {
    const wire = await connect(server, options)
    const asked = way === 'frame' ? wire.command('authenticate', { token }) : wire.next(({ type }) => type === 'authenticated' || type === 'error').then(codeOf)
    const { code } = await asked
    t.equal(code, expected, `${name}, by ${way}`)
    if (code === null) await wire.close()
    else t.equal((await wire.closed).code, CLOSE_CODES[String(code)], `${name}, by ${way}: the close code`)
  }
}

function codeOf ({ error }: Input): { code: unknown } {
  return { code: (error as Input | undefined)?.code ?? null }
}

t.test('tokens by a secret', async t => {
  const none = { alg: 'none', typ: 'JWT' }
  const tokens: Record<string, [token: string, expected: string | null]> = {
    'as it should be': [hmac(CLAIMS), null],
    'with all that is optional': [hmac({ ...CLAIMS, name: 'Alice 😀', picture: 'https://example.com/a.png', role: 'admin', nbf: now - 1, more: { of: ['the', 'application'] } }), null],
    'for several audiences': [hmac({ ...CLAIMS, aud: ['other', 'chat'] }), null],
    expired: [hmac({ ...CLAIMS, exp: now - 1 }), 'TOKEN_EXPIRED'],
    unsigned: [`${base64(none)}.${base64(CLAIMS)}.`, 'TOKEN_INVALID'],
    'unsigned, with a signature': [hmac(CLAIMS, { header: none }), 'TOKEN_INVALID'],
    'said to be unsigned in other letters': [hmac(CLAIMS, { header: { alg: 'nOnE' } }), 'TOKEN_INVALID'],
    'said to be RS256, signed with the secret': [hmac(CLAIMS, { header: { alg: 'RS256' } }), 'TOKEN_INVALID'],
    RS256: [sign(pairs.RS256.privateKey, 'RS256'), 'TOKEN_INVALID'],
    'HS512, with the right secret': [hmac(CLAIMS, { header: { alg: 'HS512' }, hash: 'sha512' }), 'TOKEN_INVALID'],
    'without an algorithm': [hmac(CLAIMS, { header: { typ: 'JWT' } }), 'TOKEN_INVALID'],
    'with a key of its own': [hmac(CLAIMS, { header: { alg: 'HS256', jwk: { kty: 'oct', k: base64('x') } }, key: 'x' }), 'TOKEN_INVALID'],
    'by another secret': [hmac(CLAIMS, { key: `${JWT_SECRET}!` }), 'TOKEN_INVALID'],
    'of another issuer': [hmac({ ...CLAIMS, iss: 'https://other.example' }), 'TOKEN_INVALID'],
    'for another audience': [hmac({ ...CLAIMS, aud: 'other' }), 'TOKEN_INVALID'],
    ...Object.fromEntries((['sub', 'exp', 'iss', 'aud'] as const).map(claim => [`without ${claim}`, [hmac(without(claim)), 'TOKEN_INVALID']])),
    'not yet': [hmac({ ...CLAIMS, nbf: now + 3600 }), 'TOKEN_INVALID'],
    ...Object.fromEntries(['', 'x'.repeat(129), 'a\0b', 'a\nb', 'a\u009fb', '\ud800', 1, null, ['alice'], {}].map(sub => [`sub ${encodeURI(JSON.stringify(sub))}`.slice(0, 30), [hmac({ ...CLAIMS, sub }), 'TOKEN_INVALID']])),
    ...Object.fromEntries(['soon', null, {}, '9999999999'].map(exp => [`exp ${JSON.stringify(exp)}`, [hmac({ ...CLAIMS, exp }), 'TOKEN_INVALID']])),
    'exp beyond numbers': [hmac(JSON.stringify(CLAIMS).replace(/"exp":\d+/, '"exp":1e999')), 'TOKEN_INVALID'],
    'exp in milliseconds': [hmac({ ...CLAIMS, exp: CLAIMS.exp * 1000 }), null],
    'a name with NUL': [hmac({ ...CLAIMS, name: 'a\0b' }), 'TOKEN_INVALID'],
    'a name with a lone surrogate': [hmac({ ...CLAIMS, name: '\ud800' }), 'TOKEN_INVALID'],
    'a name that is none': [hmac({ ...CLAIMS, name: 1 }), 'TOKEN_INVALID'],
    'claims that are none': [hmac('[]'), 'TOKEN_INVALID'],
    'claims that are not JSON': [hmac('{'), 'TOKEN_INVALID'],
    'claims that reach for a prototype': [hmac(`{"__proto__":{"sub":"alice"},"exp":${CLAIMS.exp},"iss":"${CLAIMS.iss}","aud":"chat"}`), 'TOKEN_INVALID'],
    'changed after it was signed': [hmac(CLAIMS).replace(/\.[^.]+\./, `.${base64({ ...CLAIMS, sub: 'bob' })}.`), 'TOKEN_INVALID'],
    'without its signature': [hmac(CLAIMS).replace(/[^.]+$/, ''), 'TOKEN_INVALID'],
    'with a part more': [`${hmac(CLAIMS)}.x`, 'TOKEN_INVALID'],
    garbage: ['garbage', 'TOKEN_INVALID'],
    dots: ['..', 'TOKEN_INVALID'],
    'five parts': ['a.b.c.d.e', 'TOKEN_INVALID'],
    symbols: ['{"sub":"alice"}', 'TOKEN_INVALID'],
  }
  await rest(parley, 'GET', `${PREFIX}/me`, { token: hmac(CLAIMS) })
  const { good = [], bad = [] } = Object.groupBy(Object.entries(tokens), ([, [, expected]]) => expected === null ? 'good' : 'bad')
  for (const [name, [token, expected]] of good) await judged(t, parley, name, token, expected)
  const before = await snapshot(parley.app)
  for (const [name, [token, expected]] of bad) await judged(t, parley, name, token, expected)
  t.strictSame(await snapshot(parley.app), before, 'nothing has been written')
  const { rows } = await parley.app.db.pool.query('SELECT id FROM chat.chat_user')
  t.strictSame(rows, [{ id: 'alice' }], 'nobody else is known')
})

t.test('tokens by a public key', async t => {
  for (const algorithm of ALGORITHMS) {
    const { publicKey, privateKey } = pairs[algorithm]
    const server = await startParley(t, { DATABASE_URL: databaseUrl, JWT_SECRET: '', JWT_PUBLIC_KEY: pem(publicKey), JWT_AUDIENCE: CLAIMS.aud })
    await judged(t, server, algorithm, sign(privateKey, algorithm), null)
    await judged(t, server, `${algorithm}, expired`, sign(privateKey, algorithm, { exp: now - 1 }), 'TOKEN_EXPIRED')
    await judged(t, server, `${algorithm}, for another audience`, sign(privateKey, algorithm, { aud: 'other' }), 'TOKEN_INVALID')
    await judged(t, server, `${algorithm}, by another key`, sign(another[algorithm].privateKey, algorithm), 'TOKEN_INVALID')
    await judged(t, server, `HS256, with the public key of ${algorithm} for a secret`, hmac(CLAIMS, { key: pem(publicKey) }), 'TOKEN_INVALID')
    await judged(t, server, `${algorithm}: unsigned`, `${base64({ alg: 'none' })}.${base64(CLAIMS)}.`, 'TOKEN_INVALID')
    for (const other of ALGORITHMS.filter(each => each !== algorithm)) await judged(t, server, `${other} where ${algorithm} is set`, sign(pairs[other].privateKey, other), 'TOKEN_INVALID')
  }
  const server = await startParley(t, { DATABASE_URL: databaseUrl, JWT_SECRET: '', JWT_PUBLIC_KEY: pem(pairs.RS256.publicKey) })
  for (const algorithm of ['RS512', 'PS256'] as const) await judged(t, server, `${algorithm}, with the right key`, sign(pairs.RS256.privateKey, algorithm), 'TOKEN_INVALID')
})

t.test('tokens by JWKS', async t => {
  const keys = ALGORITHMS.map(algorithm => ({ ...pairs[algorithm].publicKey.export({ format: 'jwk' }), kid: algorithm, alg: algorithm, use: 'sig' }))
  let answer: string | null = JSON.stringify({ keys })
  const issuer = createServer((_request, response) => answer === null ? response.writeHead(500).end() : response.end(answer)).listen(0, '127.0.0.1')
  await once(issuer, 'listening')
  t.teardown(() => issuer.close())
  const settings = { DATABASE_URL: databaseUrl, JWT_SECRET: '', JWKS_URL: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys` }
  const server = await startParley(t, settings)
  for (const algorithm of ALGORITHMS) {
    await judged(t, server, algorithm, sign(pairs[algorithm].privateKey, algorithm, {}, algorithm), null)
    await judged(t, server, `${algorithm}, by another key`, sign(another[algorithm].privateKey, algorithm, {}, algorithm), 'TOKEN_INVALID')
    await judged(t, server, `${algorithm}, by a key that is not there`, sign(another[algorithm].privateKey, algorithm, {}, randomUUID()), 'TOKEN_INVALID')
    await judged(t, server, `HS256 with the key of ${algorithm}`, hmac(CLAIMS, { header: { alg: 'HS256', kid: algorithm }, key: pem(pairs[algorithm].publicKey) }), 'TOKEN_INVALID')
  }
  await judged(t, server, 'PS256, with the right key', sign(pairs.RS256.privateKey, 'PS256', {}, 'RS256'), 'TOKEN_INVALID')
  await judged(t, server, 'unsigned', `${base64({ alg: 'none' })}.${base64(CLAIMS)}.`, 'TOKEN_INVALID')
  await judged(t, server, 'garbage', 'garbage', 'TOKEN_INVALID')

  for (const trouble of [null, 'not JSON', '{}']) {
    answer = trouble
    const cut = await startParley(t, settings)
    await judged(t, cut, `the issuer answers ${trouble}: nobody is told that their token is bad`, sign(pairs.ES256.privateKey, 'ES256', {}, 'ES256'), 'OVERLOADED')
  }
})

t.test('every route needs a token', async t => {
  const ids = { chatId: randomUUID(), messageId: `${randomUUID()}.1`, userId: 'bob', mediaId: randomUUID() }
  for (const { name, path } of routesOf(parley.app)) {
    if (path === '/media/signed') continue // it has a ticket: test/media/rights.test.ts
    const input = Object.fromEntries(Object.entries(ids).filter(([id]) => path.includes(`{${id}}`)))
    t.equal((await callRoute(parley, null, name, input)).code, 'TOKEN_MISSING', name)
    t.equal((await callRoute(parley, hmac(CLAIMS, { key: 'other' }), name, input)).code, 'TOKEN_INVALID', name)
  }
})

t.test('the forms of an Authorization header', async t => {
  const token = hmac(CLAIMS)
  const forms: [header: string, code: string | null][] = [
    [`Bearer ${token}`, null], [`bearer ${token}`, null], [`BEARER   ${token}`, null], [`Bearer ${token} `, null],
    ['', 'TOKEN_MISSING'], ['Bearer', 'TOKEN_MISSING'], ['Bearer ', 'TOKEN_MISSING'], [token, 'TOKEN_MISSING'], [`Basic ${token}`, 'TOKEN_MISSING'], [`Bearer${token}`, 'TOKEN_MISSING'], [`Bearer ${token} ${token}`, 'TOKEN_MISSING'],
    [`Bearer "${token}"`, 'TOKEN_INVALID'], [`Bearer ${token},`, 'TOKEN_INVALID'], ['Bearer null', 'TOKEN_INVALID'], ['Bearer undefined', 'TOKEN_INVALID'], ['Bearer \u00e4\u00f6', 'TOKEN_INVALID'],
  ]
  for (const [authorization, code] of forms) t.equal((await rest(parley, 'GET', `${PREFIX}/me`, { headers: { authorization } })).code, code, authorization.replace(token, '<token>'))
  t.equal((await rest(parley, 'GET', `${PREFIX}/me?token=${token}`)).code, 'TOKEN_MISSING', 'never in the URL')
})
t.end()
