import pg from 'pg'
import t from 'tap'
import { migrate } from '../../src/migrate.ts'
import { createDatabase } from '../helpers/database.ts'

const setting = 'DATABASE_URL'

async function run (url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(sql)
  await client.end()
}

t.test('does not ask Prisma when there is nothing to apply', async t => {
  const url = await createDatabase(t)
  const env = { NODE_OPTIONS: '--no-such-option' } // Prisma's process would not start
  t.same(await migrate({ url, setting, env }), [])
})

t.test('of several nodes that start at once, one migrates and the others wait for it', async t => {
  const url = await createDatabase(t)
  await run(url, 'DROP SCHEMA chat CASCADE')
  const nodes = await Promise.all(Array.from({ length: 4 }, () => migrate({ url, setting, env: process.env })))
  t.equal(nodes.filter(applied => applied.length > 0).length, 1)
  t.same(await migrate({ url, setting, env: {} }), [])
})

t.test('says in one line what fails, without the password', async t => {
  const url = await createDatabase(t)
  await run(url, 'DROP SCHEMA chat CASCADE; CREATE SCHEMA chat; CREATE TABLE chat.chat_session (id int)')
  const failure = migrate({ url, setting, env: process.env })
  await t.rejects(failure, { name: 'StartError', message: /^DATABASE_URL: the migrations cannot be applied to .*schema is not empty.*$/ })
  const { message } = await failure.catch(error => error)
  t.notMatch(message, new URL(url).password)
  t.notMatch(message, '\n')
})

t.test('names the setting of a database that cannot be reached', async t => {
  await t.rejects(migrate({ url: 'postgresql://u:hunter2@127.0.0.1:1/x', setting: 'DATABASE_DIRECT_URL', env: {} }),
    { name: 'StartError', message: /^DATABASE_DIRECT_URL: cannot connect to 127\.0\.0\.1:1\/x: .*ECONNREFUSED/ })
})
