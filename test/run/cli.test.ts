// npx parley: the real process, its output and its exit codes.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve as absolute } from 'node:path'
import pg from 'pg'
import t from 'tap'
import { checkClock } from '../../src/cli/doctor-database.ts'
import { progressBar } from '../../src/cli/progress.ts'
import { createDatabase } from '../helpers/database.ts'
import { dataFolder } from '../helpers/process.ts'

const JWT_SECRET = 'a secret of thirty-two bytes, yes'
const dataDir = await dataFolder(t)
const databaseUrl = await createDatabase(t)
const healthy = { DATABASE_URL: databaseUrl, JWT_SECRET, DATA_DIR: dataDir }
const UNSET = { DATABASE_URL: '', DATABASE_DIRECT_URL: '', JWT_SECRET: '', JWT_PUBLIC_KEY: '', JWKS_URL: '', REDIS_URL: '', BUS: '', STORAGE: '' } // whatever .env says

interface Ended { code: number, stdout: string, stderr: string }

function parley (args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise(resolve => {
    execFile(process.execPath, [absolute('bin/parley.js'), ...args], { env: { ...process.env, ...UNSET, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }))
  })
}

/** What doctor says of each thing. */
async function diagnosis (env: Record<string, string>) {
  const { code, stdout } = await parley(['doctor', '--json'], env)
  const findings = stdout.trim().split('\n').map(line => JSON.parse(line) as { name: string, state: string, detail: string, advice?: string })
  return { code, of: (name: string) => findings.find(finding => finding.name === name), findings }
}

t.test('help for everything, and exit codes', async t => {
  const overview = await parley(['--help'])
  t.equal(overview.code, 0)
  for (const name of ['start', 'migrate', 'token', 'doctor', 'epoch']) {
    t.match(overview.stdout, new RegExp(`^  ${name} `, 'm'))
    const { code, stdout } = await parley([name, '--help'])
    t.equal(code, 0, name)
    t.match(stdout, `Usage: parley ${name}`)
  }
  t.match(await parley([]), { code: 2, stderr: /^Usage: parley/ })
  t.match(await parley(['strat']), { code: 2, stderr: /^There is no command strat\./ })
  t.match(await parley(['migrate', '--chekc']), { code: 2, stderr: /--chekc[^]*Usage: parley migrate/ })
  t.match(await parley(['--version']), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
})

t.test('npx finds it', async t => {
  const npx = spawn('npx', ['--no-install', 'parley', 'token', 'alice'], { env: { ...process.env, ...UNSET, JWT_SECRET }, stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  npx.stdout.setEncoding('utf8').on('data', text => { said += text })
  const [code] = await once(npx, 'close')
  t.equal(code, 0)
  t.match(said, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
})

t.test('migrate', async t => {
  const url = await createDatabase(t)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('DROP SCHEMA chat CASCADE')
  await client.end()

  t.match(await parley(['migrate', '--check'], { DATABASE_URL: url }), { code: 1, stdout: /^To be applied:\n {2}\d+_/ })
  const first = await parley(['migrate'], { DATABASE_URL: url })
  t.match(first, { code: 0, stdout: /^Applied \d+ migrations:\n {2}\d+_/ })
  t.match(first.stderr, /^\d+\/\d+ \d+_/, 'how far it has come, while it works')
  t.match(await parley(['migrate'], { DATABASE_URL: url }), { code: 0, stdout: 'The database is up to date.\n' })
  t.match(await parley(['migrate', '--check'], { DATABASE_URL: url }), { code: 0 })
  t.match(await parley(['migrate'], { DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1:1/x' }), { code: 1, stderr: /^DATABASE_URL: cannot connect to 127\.0\.0\.1:1\/x: [^\n]*ECONNREFUSED[^\n]*\n$/ })
})

t.test('a bar on a terminal, lines elsewhere', async t => {
  const drawn = (isTTY: boolean) => {
    let text = ''
    const bar = progressBar({ isTTY, write: (more: string) => { text += more; return true } } as Parameters<typeof progressBar>[0])
    bar.show(1, 3, 'second')
    bar.show(1, 3, 'second')
    bar.end()
    return text
  }
  t.equal(drawn(false), '1/3 second\n')
  t.ok(drawn(true).endsWith(`[${'#'.repeat(10)}${'.'.repeat(20)}] 1/3 second\r\u001b[2K`), 'a third of it, and then nothing is left')
})

t.test('start serves, and ends with 0', async t => {
  const server = spawn(process.execPath, [absolute('bin/parley.js'), 'start'], { env: { ...process.env, ...UNSET, ...healthy, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'info' }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => server.kill('SIGKILL'))
  const port = await new Promise<string>(resolve => {
    let said = ''
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const found = /listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(said)
      if (found?.[1]) resolve(found[1])
    })
  })
  t.equal((await fetch(`http://127.0.0.1:${port}/health/ready`)).status, 200)
  const ended = once(server, 'close')
  server.kill('SIGTERM')
  t.equal((await ended)[0], 0)
})

t.test('doctor: all is well', async t => {
  const { code, findings } = await diagnosis(healthy)
  t.strictSame(findings.filter(({ state, name }) => state !== 'ok' && name !== 'database'), [], 'nothing to say') // (how many connections are free is the others’ doing)
  t.strictSame(findings.map(({ name }) => name), ['settings', 'node', 'tokens', 'database', 'rights', 'migrations', 'clock', 'redis', 'storage'])
  t.equal(code, 0)
  const { stdout } = await parley(['doctor'], healthy)
  t.match(stdout, /^ {2}ok {2}settings: /)
})

t.test('doctor: settings that are not understood', async t => {
  const { code, of } = await diagnosis({ ...healthy, PORT: 'x', BUS: 'pigeon' })
  t.equal(code, 1)
  t.match(of('settings'), { state: 'fault', detail: /PORT.*BUS/, advice: /\.env\.example/ })
})

t.test('doctor: services that are not there', async t => {
  const { code, of, findings } = await diagnosis({
    DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1:1/x', JWKS_URL: 'http://127.0.0.1:1/jwks.json', BUS: 'redis', REDIS_URL: 'redis://:hunter2@127.0.0.1:1', MEDIA_DIR: '/dev/null/media', DATA_DIR: dataDir,
  })
  t.equal(code, 1)
  t.match(of('database'), { state: 'fault', detail: /127\.0\.0\.1:1\/x.*ECONNREFUSED/, advice: /start PostgreSQL/ })
  t.match(of('tokens'), { state: 'fault', advice: /JWKS_URL/ })
  t.match(of('redis'), { state: 'fault', detail: /ECONNREFUSED/, advice: /REDIS_URL/ })
  t.match(of('storage'), { state: 'fault', detail: /\/dev\/null\/media/, advice: /MEDIA_DIR/ })
  t.notMatch(JSON.stringify(findings), 'hunter2')
})

t.test('doctor: a user without rights, migrations to be applied, no such database', async t => {
  const url = await createDatabase(t)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const user = `parley_doctor_${process.pid}`
  await client.query(`DROP SCHEMA chat CASCADE; CREATE USER ${user} PASSWORD 'x'`)
  t.teardown(async () => {
    await client.query(`DROP USER ${user}`)
    await client.end()
  })
  const poor = new URL(url)
  poor.username = user
  poor.password = 'x'
  const { code, of } = await diagnosis({ ...healthy, DATABASE_URL: poor.href })
  t.equal(code, 1)
  t.match(of('rights'), { state: 'fault', detail: /chat, chat_jobs/, advice: `CREATE SCHEMA chat AUTHORIZATION ${user}` })
  t.match(of('migrations'), { state: 'note', detail: /\d+ are to be applied/, advice: /npx parley migrate/ })
  const missing = new URL(url)
  missing.pathname = '/no_such_database'
  t.match((await diagnosis({ ...healthy, DATABASE_URL: missing.href })).of('database'), { state: 'fault', advice: /createdb/ })
})

t.test('doctor: clocks that disagree', async t => {
  t.match(await checkClock({ url: databaseUrl, setting: 'DATABASE_URL' }), { state: 'ok' })
  const now = Date.now
  t.intercept(Date, 'now', { value: () => now() + 60_000 })
  t.match(await checkClock({ url: databaseUrl, setting: 'DATABASE_URL' }), { state: 'fault', detail: /(59|60)\.\d s apart/, advice: /NTP/ })
})

t.test('doctor: the embedded database does not run', async t => {
  t.match((await diagnosis({ DATA_DIR: dataDir })).of('database'), { state: 'note', advice: /npx parley start/ })
})

t.end()
