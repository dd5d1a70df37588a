// The database turns out to have another history than the one that was told: after a promotion that has lost commits, and
// after a restore. Every client begins anew, whether it was here or away at the time.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Client } from '../../src/client/client.ts'
import { systemClock } from '../../src/client/clock.ts'
import { createDatabase } from '../helpers/database.ts'
import { newClient, request, sameAsServer, startClient, until } from '../helpers/live.ts'
import { startParley, type Parley } from '../helpers/parley.ts'
import { makeGroup, send } from '../helpers/world.ts'
import { Link } from './helpers/link.ts'
import { Postgres } from './helpers/postgres.ts'

/** Bob is here when it happens; cleo is away, and has seen everything up to then. */
interface Scene { link: Link, parley: Parley, chatId: string, bob: Client, cleo: Client, codes: number[] }

async function scene (t: Test, databaseUrl: string): Promise<Scene> {
  const link = await Link.to(t, databaseUrl)
  const parley = await startParley(t, { DATABASE_URL: link.url, SWEEP_SECONDS: '0.2' })
  t.teardown(() => link.cut())
  const chatId = await makeGroup(parley, 'alice', ['bob', 'cleo'])
  for (const content of ['one', 'two']) await send(parley, 'alice', chatId, content)
  const bob = await startClient(t, parley, 'bob', { clock: hasty })
  const cleo = newClient(t, parley, 'cleo', { clock: hasty })
  cleo.start()
  await cleo.whenSynced()
  const codes: number[] = []
  bob.on('closed', code => codes.push(code))
  return { link, parley, chatId, bob, cleo, codes }
}

/** Back at once. */
const hasty = { after: systemClock.after, random: () => 0.02 }

/** Messages that the database will not have any more, seen by everybody. */
async function sendInVain ({ parley, chatId, bob, cleo }: Scene): Promise<void> {
  for (const content of ['lost', 'lost, too']) await send(parley, 'alice', chatId, content)
  await request(parley, 'cleo', 'PATCH', '/me', { displayName: 'Cleopatra' }) // in an inbox, too
  for (const client of [bob, cleo]) await until(client, ({ chats }) => chats.get(chatId)?.head.lastSeq === 4)
  cleo.stop()
}

const contents = (client: Client, chatId: string) => [...client.state.chats.get(chatId)?.messages.values() ?? []].map(({ content }) => content)

/** Bob, who is here, is told; then those who have begun anew have what there is, and it goes on. */
async function begunAnew (t: Test, { parley, chatId, bob, codes }: Scene, others: Record<string, Client> = {}): Promise<void> {
  await until(bob, ({ chats }) => chats.get(chatId)?.head.lastSeq === 2)
  t.strictSame(codes, [4102], 'who is here is told')
  for (const client of Object.values(others)) client.start()
  await send(parley, 'alice', chatId, 'three')
  for (const [userId, client] of Object.entries({ bob, ...others })) {
    await sameAsServer(t, parley, userId, client)
    t.strictSame(contents(client, chatId), ['one', 'two', 'three'])
  }
}

t.test('a standby is promoted that did not have everything', async t => {
  const primary = await Postgres.start(t)
  const standby = await primary.standby(t)
  const all = await scene(t, primary.url)
  const epoch = all.bob.state.epoch
  await standby.hasCaughtUpWith(primary)
  await standby.fallBehind()
  await sendInVain(all)

  await primary.stopAtOnce()
  all.link.lead(standby.url)
  const codes = await Promise.all([1, 2, 3].map(() => send(all.parley, 'alice', all.chatId, 'too early').catch(({ code }) => code)))
  t.match(codes, [/OUTCOME_UNKNOWN|OVERLOADED|DATABASE_UNAVAILABLE/, /OUTCOME_UNKNOWN|OVERLOADED|DATABASE_UNAVAILABLE/, /OUTCOME_UNKNOWN|OVERLOADED|DATABASE_UNAVAILABLE/], 'a standby is nobody to send to')
  await standby.promote()
  await until(all.bob, ({ epoch: now }) => now !== null && now !== epoch)
  t.strictSame(all.codes, [4102], 'who is here is told')
  all.cleo.start()
  await all.cleo.whenSynced()
  for (const [userId, client] of Object.entries({ bob: all.bob, cleo: all.cleo })) {
    await sameAsServer(t, all.parley, userId, client)
    t.notOk(contents(client, all.chatId).includes('lost'))
  }
})

/** A database and its dump: a copy that knows nothing of the server that it is in. */
class Dumped {
  readonly url: string
  readonly #name: string
  readonly #link: Link

  constructor (url: string, link: Link) {
    this.url = url
    this.#name = new URL(url).pathname.slice(1)
    this.#link = link
  }

  async dump (t: Test): Promise<void> {
    t.after(() => this.#run(`DROP DATABASE IF EXISTS ${this.#name}_dump WITH (FORCE)`))
    await this.#alone(`CREATE DATABASE ${this.#name}_dump TEMPLATE ${this.#name}`)
  }

  async restore (before: () => Promise<unknown> = async () => {}): Promise<void> {
    await this.#alone(`DROP DATABASE ${this.#name} WITH (FORCE)`, `CREATE DATABASE ${this.#name} TEMPLATE ${this.#name}_dump`, before)
  }

  /** While nobody gets to it. */
  async #alone (...steps: (string | (() => Promise<unknown>))[]): Promise<void> {
    this.#link.cut('down')
    await this.#run(`DO $$ BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${this.#name}') LOOP PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP; END $$`)
    for (const step of steps) await (typeof step === 'string' ? this.#run(step) : step())
    this.#link.mend()
  }

  async #run (statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: Object.assign(new URL(this.url), { pathname: '/postgres' }).href })
    await client.connect()
    try {
      await client.query(statement)
    } finally {
      await client.end()
    }
  }
}

async function epoch (databaseUrl: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'epoch', '--', ...args], { env: { ...process.env, DATABASE_URL: databaseUrl, DATABASE_DIRECT_URL: '', DATA_DIR: '/nowhere' } })
  return stdout.trim()
}

async function dumped (t: Test): Promise<Scene & { database: Dumped }> {
  const url = await createDatabase(t)
  const all = await scene(t, url)
  const database = new Dumped(url, all.link)
  await database.dump(t)
  await sendInVain(all)
  return { ...all, database }
}

t.test('a dump is restored, and given an epoch of its own', async t => {
  const all = await dumped(t)
  const { database, bob } = all
  const before = bob.state.epoch
  t.equal(await epoch(database.url), before, 'npm run epoch tells what clients are told')
  let renewed = ''
  await database.restore(async () => { renewed = await epoch(database.url, '--new') })
  t.not(renewed, before)
  await begunAnew(t, all, { cleo: all.cleo })
  t.equal(bob.state.epoch, renewed)
})

t.test('a dump is restored, and nobody has thought of the epoch', async t => {
  const all = await dumped(t)
  const { database, parley, chatId, bob, cleo } = all
  const [cursor, inboxRevision] = [cleo.state.chats.get(chatId)?.cursor, cleo.state.inboxRevision]
  await database.restore()
  await begunAnew(t, all) // the server sees that it has told more than there is
  await t.rejects(request(parley, 'cleo', 'GET', `/sessions/${chatId}/changes?since=${cursor}`), { code: 'EPOCH_CHANGED' }, 'a client that is ahead')
  await t.rejects(request(parley, 'cleo', 'POST', '/sync', { epoch: bob.state.epoch, inboxRevision }), { code: 'EPOCH_CHANGED' })
  cleo.start()
  await cleo.whenSynced()
  await sameAsServer(t, parley, 'cleo', cleo)
  t.strictSame(contents(cleo, chatId), ['one', 'two', 'three'])
})

t.test('npm run epoch without a database', async t => {
  const said = (databaseUrl: string) => epoch(databaseUrl).catch(({ stderr }: { stderr: string }) => stderr)
  t.match(await said(''), /^DATABASE_URL is not set[^\n]*\n$/)
  t.match(await said('postgresql://u:hunter2@127.0.0.1:1/x'), /^[^\n]*ECONNREFUSED[^\n]*\n$/)
})

t.end()
