// What an application's own SQL relies on: the views, the rights, and the statements that docs/in-your-database.md gives.
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import t from 'tap'
import type { ChatView } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send } from '../helpers/world.ts'

const FOLDER = join(import.meta.dirname, 'v1')
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/in-your-database.md'), 'utf8')
const parley = await startParley(t)
const sql = await connectSql(t, parley)

/** Roles are of the whole cluster, where other tests are, too. */
const reader = `reader_${randomUUID().replaceAll('-', '')}`
const shop = `shop_${randomUUID().replaceAll('-', '')}`
t.teardown(async () => {
  for (const role of [reader, shop]) await parley.app.db.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
})

/** The statements of the page, with names of our own. */
function statements (name: string, names: Record<string, string> = {}): string {
  const found = new RegExp(`<!-- sql: ${name} -->\\n\`\`\`sql\\n([^]*?)\`\`\``).exec(PAGE)?.[1]
  if (found === undefined) throw new Error(`The page has no block ${name}`)
  return Object.entries(names).reduce((text, [from, to]) => text.replaceAll(from, to), found)
}

const chatId = await makeGroup(parley, 'ann', ['ben', 'cat', '42'], { externalRef: 'order-7', labels: { team: 'a' }, metadata: { n: 1 } })
await makeGroup(parley, 'ann', [], { externalRef: 'order-8' })
const first = await send(parley, 'ann', chatId, 'one', { clientMessageId: 'k1', metadata: { color: 'red' } })
await send(parley, 'ben', chatId, 'two', { replyToId: first.id, mentions: { userIds: ['cat'] } })
await send(parley, 'ben', chatId, 'three', { threadRootId: first.id })
const gone = await send(parley, 'ben', chatId, 'gone')
await request(parley, 'ben', 'DELETE', `/messages/${gone.id}`)
await request(parley, 'ben', 'PATCH', '/me', { settings: { privateReading: true } })
await request(parley, 'ben', 'POST', `/sessions/${chatId}/read`, {})
const deleted = await makeGroup(parley, 'ann', ['cat'], { externalRef: 'deleted' })
await send(parley, 'ann', deleted, 'nobody sees this')
await request(parley, 'ann', 'DELETE', `/sessions/${deleted}?scope=everyone`)

const TYPES: Record<string, number> = { uuid: 2950, text: 25, integer: 23, jsonb: 3802, timestamptz: 1184 }

await sql.rows(statements('reader', { parley_reader: reader }))
await sql.rows(`CREATE ROLE ${shop}`)

/** As a role that has no rights but those of the page. */
async function as<Result> (role: string, work: () => Promise<Result>): Promise<Result> {
  await sql.rows(`SET ROLE ${role}`)
  try {
    return await work()
  } finally {
    await sql.rows('RESET ROLE')
  }
}

t.test('the queries of version 1: their columns, by the reader', async t => {
  for (const file of readdirSync(FOLDER)) {
    const text = readFileSync(join(FOLDER, file), 'utf8')
    const columns = /^-- columns: (.*)$/m.exec(text)?.[1]?.split(', ').map(column => column.split(' ')) ?? []
    const { fields, rows } = await as(reader, () => sql.client.query(text))
    t.strictSame(fields.map(({ name, dataTypeID }) => [name, dataTypeID]), columns.map(([name, type = '']) => [name, TYPES[type]]), file)
    t.ok(rows.length > 0, `${file}: rows`)
  }
})

t.test('no column has gone, and none has come without a query', async t => {
  const asked = readdirSync(FOLDER).flatMap(file => [...readFileSync(join(FOLDER, file), 'utf8').matchAll(/\b[cmpu]\.(\w+)/g)].map(([, name]) => name))
  const columns = await sql.rows<{ name: string }>("SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = 'chat_v1' ORDER BY 1")
  for (const { name } of columns) t.ok(asked.includes(name.split('.')[1] ?? ''), name)
  t.equal(columns.length, 17 + 14 + 9 + 4)
})

const query = async (name: string) => as(reader, () => sql.rows(readFileSync(join(FOLDER, `${name}.sql`), 'utf8')))

t.test('what they mean', async t => {
  t.match(await query('chats-of-a-user'), [
    { chat_id: chatId, type: 'GROUP', name: 'Friends', external_ref: 'order-7', labels: { team: 'a' }, metadata: { n: 1 }, created_by_id: 'ann', message_count: 4, member_count: 4, last_seq: 4, last_message_at: Date },
    { external_ref: 'order-8', message_count: 0, last_seq: 0, last_message_at: null },
  ])
  t.match(await query('messages-of-a-chat'), [
    { message_id: first.id, seq: 1, sender_id: 'ann', type: 'TEXT', content: 'one', metadata: { color: 'red' }, reply_to_id: null, client_message_id: 'k1', edited_at: null, deleted_at: null },
    { seq: 2, sender_id: 'ben', content: 'two', reply_to_id: first.id, thread_root_id: null }, { seq: 3, thread_root_id: first.id, reply_to_id: null }, { seq: 4, content: null, deleted_at: Date },
  ])
  t.match(await query('participants-of-a-chat'), [
    { user_id: '42', role: 'MEMBER', state: 'JOINED', read_seq: 0 }, { user_id: 'ann', role: 'OWNER', read_seq: 1 }, { user_id: 'ben', read_seq: 0 }, { user_id: 'cat', read_seq: 0 },
  ], 'what was read privately is nobody\'s to know')
  const { head } = await request<ChatView>(parley, 'cat', 'GET', `/sessions/${chatId}`)
  t.match(head, { unreadCount: 3, mentionCount: 1 })
  t.match(await query('unread-of-a-user'), [{ chat_id: chatId, unread_count: head.unreadCount, mention_count: head.mentionCount }], 'the counts that clients are told')
})

t.test('the reader reads nothing else, and writes nothing', async t => {
  for (const statement of ['SELECT FROM chat.chat_message', 'SELECT FROM chat.chat_user', "UPDATE chat_v1.participants SET label = 'x'", 'DELETE FROM chat_v1.messages', "SELECT chat.send_messages('[]')"]) {
    await t.rejects(as(reader, () => sql.rows(statement)), { code: /^(42501|55000)$/ }, statement)
  }
})

t.test('the migration has made the role, or may not', async t => {
  const { made, may } = await sql.row<{ made: boolean, may: boolean }>("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'parley_reader') AS made, rolsuper OR rolcreaterole AS may FROM pg_roles WHERE rolname = current_user")
  t.ok(made || !may)
  if (made) t.ok(await as('parley_reader', () => sql.rows('SELECT * FROM chat_v1.unread')))
})

t.test('the page\'s joins, with keys that are numbers', async t => {
  await sql.rows("CREATE TABLE customer (id integer PRIMARY KEY, email text); INSERT INTO customer VALUES (42, 'p@example.com')")
  const results = await sql.client.query(statements('keys', { '01900000-0000-7000-8000-000000000001': chatId })) as unknown as pg.QueryResult[]
  t.match(results.map(({ rows }) => rows), [[], [{ email: 'p@example.com', unread_count: 3 }], [{ email: null, content: 'one' }, { content: 'two' }, { content: 'three' }, { content: null }]])
})

t.test('the page\'s transaction, by a role with the page\'s rights alone', async t => {
  await sql.rows('CREATE TABLE purchase (id integer PRIMARY KEY, customer_id integer)')
  await sql.rows(`GRANT INSERT ON purchase TO ${shop}`)
  const text = statements('send', { '01900000-0000-7000-8000-000000000001': chatId })
  await t.rejects(as(shop, () => sql.rows("SELECT chat.send_messages('[]')")), { code: '42501' }, 'none of its own')
  await sql.rows(statements('grants', { 'TO shop': `TO ${shop}` }))
  const results = await as(shop, () => sql.client.query(text)) as unknown as pg.QueryResult[]
  t.match(results.map(({ rows }) => rows), [[], [], [{ status: 'created', message_id: `${chatId}.5` }], []])
  const more = [
    { senderId: 'ben', content: 'in the thread, to all', threadRootSeq: 1, mentions: { userIds: ['cat'], all: false }, clientMessageId: 'm1', requestHash: 'h' },
    { senderId: null, type: 'SYSTEM', system: { kind: 'order.sent', actorId: null, targetIds: [], data: {} }, clientMessageId: 'm2', requestHash: 'h' },
    { senderId: 'ben', content: 'again', clientMessageId: 'm1', requestHash: 'other' },
  ].map(item => ({ chatId, ...item }))
  t.match(await as(shop, () => sql.rows('SELECT status, code FROM chat.send_messages($1)', [JSON.stringify(more)])), [{ status: 'created' }, { status: 'created' }, { status: 'rejected', code: 'MESSAGE_ID_CONFLICT' }])
  await t.rejects(as(shop, () => sql.rows('SELECT FROM chat.message_version')), { code: '42501' })
})

t.end()
