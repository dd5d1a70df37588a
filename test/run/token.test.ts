import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createVerifier } from 'fast-jwt'
import t, { type Test } from 'tap'
import { developmentSecret } from '../../src/development.ts'

const SECRET = 'a secret of thirty-two bytes, yes'

async function folder (t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'parley-token-'))
  t.after(() => rm(dir, { recursive: true }))
  return dir
}

async function token (t: Test, args: string[], env: Record<string, string>) {
  const { stdout } = await promisify(execFile)(process.execPath, [resolve('bin/parley.js'), 'token', ...args], { env, cwd: await folder(t) })
  return stdout.trim()
}

t.test('signs with JWT_SECRET, for a day', async t => {
  const claims = createVerifier({ key: SECRET, algorithms: ['HS256'] })(await token(t, ['alice'], { JWT_SECRET: SECRET }))
  t.match(claims, { sub: 'alice', name: undefined, role: undefined })
  t.equal(claims.exp - claims.iat, 86_400)
})

t.test('takes a name, a role and hours, and what the server checks', async t => {
  const env = { JWT_SECRET: SECRET, JWT_ISSUER: 'app', JWT_AUDIENCE: 'chat' }
  const verify = createVerifier({ key: SECRET, allowedIss: 'app', allowedAud: 'chat' })
  const claims = verify(await token(t, ['carol', '--name', 'Carol C.', '--role', 'admin', '--hours', '0.5'], env))
  t.match(claims, { sub: 'carol', name: 'Carol C.', role: 'admin' })
  t.equal(claims.exp - claims.iat, 1_800)
})

t.test('without JWT_SECRET, signs with the one of DATA_DIR, which is made once and for its owner alone', async t => {
  const dataDir = await folder(t)
  const first = await token(t, ['alice'], { DATA_DIR: dataDir })
  const secret = await developmentSecret(dataDir)
  t.equal(createVerifier({ key: secret })(first).sub, 'alice')
  t.equal((await stat(join(dataDir, 'jwt-secret'))).mode & 0o777, 0o600)
})

t.test('says in one line what is wrong', async t => {
  await t.rejects(token(t, [], {}), { code: 2, stderr: /^Usage: .*\n$/ })
  await t.rejects(token(t, ['alice', '--hours', 'x'], {}), { code: 2, stderr: /^Usage: .*\n$/ })
  await t.rejects(token(t, ['alice', '--rule', 'x'], {}), { code: 2, stderr: /--rule/ })
  await t.rejects(token(t, ['alice'], { JWKS_URL: 'https://a.example/jwks.json' }), { code: 1, stderr: /^Tokens are signed by your application.*\n$/ })
})
