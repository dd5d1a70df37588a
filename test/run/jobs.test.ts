// Jobs are done when they are due, by one node at a time; what keeps them from being done is said at the start.
import { setTimeout as delay } from 'node:timers/promises'
import { once } from 'node:events'
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Database } from '../../src/plugins/database.ts'
import { Jobs, JOBS_SCHEMA, type Job } from '../../src/plugins/jobs.ts'
import { createDatabase } from '../helpers/database.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { dataFolder, ParleyProcess } from '../helpers/process.ts'
import { makeGroup } from '../helpers/world.ts'

const JWT_SECRET = 'a secret of thirty-two bytes, yes'
const EVERY_MINUTE = '* * * * *'

async function query<Row extends pg.QueryResultRow> (url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end()
  }
}

/** A process that does jobs. */
async function startNode (t: Test, url: string, job: Job): Promise<Jobs> {
  const db = new Database({ url, directUrl: null, poolMax: 2, prepare: true })
  const jobs = new Jobs({ url, log: pino({ level: 'silent' }), drainMs: 1_000, pollSeconds: 1, cronSeconds: 1 }).on(job)
  t.teardown(async () => {
    await jobs.stop()
    await db.close()
  })
  await jobs.start(db)
  return jobs
}

const states = (url: string) => query<{ state: string }>(url, "SELECT state::text FROM chat_jobs.job WHERE name = 'tick' ORDER BY created_on")

t.test('of several nodes one does what is due, and no other begins while it is at it', async t => {
  const url = await createDatabase(t)
  const running = { now: 0, most: 0, begun: 0 }
  let release = () => {}
  const held = new Promise<void>(resolve => { release = resolve })
  let begin = () => {}
  const begun = new Promise<void>(resolve => { begin = resolve })
  const tick: Job = {
    name: 'tick',
    cron: EVERY_MINUTE,
    async run () {
      running.begun++
      running.most = Math.max(running.most, ++running.now)
      begin()
      await held
      running.now--
      return { ticks: 1 }
    },
  }
  const nodes = await Promise.all([1, 2, 3].map(() => startNode(t, url, tick)))
  await begun
  const boss = new PgBoss({ connectionString: url, schema: JOBS_SCHEMA, supervise: false, schedule: false })
  await boss.start()
  for (const n of [1, 2, 3]) t.equal(await boss.send('tick'), null, `${n}: nothing can wait behind it`)
  await boss.stop()
  await delay(2_000) // the others look several times
  t.equal(running.most, 1)
  t.match(await states(url), [{ state: 'active' }])
  release()
  await Promise.all(nodes.map(node => node.stop()))
  const ended = await states(url)
  t.ok(ended.every(({ state }) => state === 'completed' || state === 'created'))
  t.equal(running.begun, ended.filter(({ state }) => state === 'completed').length, 'each was done once')
})

t.test('what is cut off by the end of its node is done again by another', async t => {
  const url = await createDatabase(t)
  let begin = () => {}
  const begun = new Promise<void>(resolve => { begin = resolve })
  const first = await startNode(t, url, {
    name: 'tick',
    cron: EVERY_MINUTE,
    async run (signal) {
      begin()
      if (!signal.aborted) await once(signal, 'abort')
      throw signal.reason
    },
  })
  await begun
  await first.stop()
  t.match(await states(url), [{ state: 'retry' }])
  await query(url, 'UPDATE chat_jobs.job SET start_after = now()') // not in a minute
  let finish = () => {}
  const finished = new Promise<void>(resolve => { finish = resolve })
  await startNode(t, url, { name: 'tick', cron: EVERY_MINUTE, run: async () => { finish(); return {} } })
  await finished
})

t.test('a server registers its jobs, and stops', async t => {
  const parley = await startParley(t, { JOBS: 'on' })
  const schedules = await query<{ name: string }>(parley.databaseUrl, 'SELECT name FROM chat_jobs.schedule ORDER BY 1')
  t.strictSame(schedules.map(({ name }) => name), ['purge-deleted-content', 'purge-reports', 'remove-deleted-chats', 'sweep-media', 'trim-history'])
  await parley.app.close()
  t.strictSame(await query(parley.databaseUrl, "SELECT FROM pg_stat_activity WHERE application_name = 'parley jobs' AND datname = current_database()"), [])
})

t.test('JOBS=off: none are done here, and nothing of theirs is made', async t => {
  const parley = await startParley(t)
  t.strictSame(await query(parley.databaseUrl, "SELECT to_regnamespace('chat_jobs') AS schema"), [{ schema: null }])
  t.ok(await makeGroup(parley, 'ann'))
  t.match(await request(parley, 'ann', 'GET', '/me'), { id: 'ann' })
})

t.test('a user of the database who may not make a schema is told so, and what helps', async t => {
  const url = await createDatabase(t)
  const role = `small_${Math.random().toString(36).slice(2)}`
  await query(url, `CREATE ROLE ${role} LOGIN PASSWORD 'small'`)
  t.after(() => query(url, `DROP OWNED BY ${role}; DROP ROLE ${role}`))
  await query(url, `GRANT USAGE ON SCHEMA chat TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA chat TO ${role}`)
  const DATABASE_URL = Object.assign(new URL(url), { username: role, password: 'small' }).href
  const settings = { DATABASE_URL, JWT_SECRET, DATA_DIR: await dataFolder(t) }

  const refused = new ParleyProcess(t, settings)
  t.match(await refused.exited, { code: 1 })
  t.match(refused.stderr, /^JOBS: [^\n]*permission denied[^\n]*CREATE SCHEMA chat_jobs[^\n]*JOBS to off[^\n]*\n$/)

  const without = new ParleyProcess(t, { ...settings, JOBS: 'off' })
  await without.printed(/Server listening/)
  without.terminate()
  t.match(await without.exited, { code: 0 })

  await query(url, `CREATE SCHEMA chat_jobs AUTHORIZATION ${role}`)
  const helped = new ParleyProcess(t, settings)
  await helped.printed(/Server listening/)
  helped.terminate()
  t.match(await helped.exited, { code: 0 })
  t.equal(helped.stderr, '')
})
t.end()
