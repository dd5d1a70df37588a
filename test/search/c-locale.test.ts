// The database may be the host application's, and know no letters outside ASCII.
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { migrate } from '../../src/migrate.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send } from '../helpers/world.ts'
import { textsOf } from './helpers.ts'

const { TEST_SERVER = '' } = process.env
const name = `test_${randomUUID().replaceAll('-', '')}`
const admin = await connectSql(t, { databaseUrl: TEST_SERVER })
await admin.rows(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`)
t.after(() => admin.rows(`DROP DATABASE ${name} WITH (FORCE)`))
const url = Object.assign(new URL(TEST_SERVER), { pathname: `/${name}` }).href
await migrate({ url, setting: 'DATABASE_URL', env: process.env })
const parley = await startParley(t, { DATABASE_URL: url })

t.test('finds in any script', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  for (const text of ['Привет', '你好世界', 'Crème', 'مُحَمَّد']) await send(parley, 'ben', chatId, text)
  for (const [q, text] of [['ПРИВ', 'Привет'], ['世', '你好世界'], ['creme', 'Crème'], ['محمد', 'مُحَمَّد']] as const) t.strictSame(await textsOf(parley, 'ann', q, { chatId }), [text])
})

t.end()
