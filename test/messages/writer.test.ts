// Group commit: what holds one chat up, or breaks one message, is nobody else's trouble.
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Writer } from '../../src/messages/writer.ts'
import type { SendItem } from '../../src/messages/queries.ts'
import { request } from '../helpers/live.ts'
import { startParley, type Parley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql, type Sql } from '../helpers/sql.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const item = (chatId: string, key: string, more: Partial<SendItem> = {}): SendItem =>
  ({ chatId, senderId: 'alice', content: key, clientMessageId: key, requestHash: key, ...more })

async function holdHead (t: Test, parley: Parley, chatId: string): Promise<Sql> {
  const sql = await connectSql(t, parley)
  await sql.rows('BEGIN')
  await sql.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR UPDATE', [chatId])
  return sql
}

function newWriter (t: Test, parley: Parley): Writer {
  const writer = new Writer(parley.app.db, pino({ level: 'silent' }), { created: () => {}, found: () => {} })
  t.teardown(() => writer.drain())
  return writer
}

const parley = await startParley(t)

const others = [await makeGroup(parley, 'alice'), await makeGroup(parley, 'alice')]

/** Two batches of one message each: what is sent before they are done is the next batch. */
function fillBatches (writer: Writer): Promise<unknown> {
  return Promise.all(others.map(chatId => writer.send(item(chatId, randomUUID()))))
}

t.test('a held head holds up its own chat alone', async t => {
  const [held, free] = [await makeGroup(parley, 'alice', ['bob']), await makeGroup(parley, 'alice')]
  const alice = await signIn(t, parley, 'alice')
  const holder = await holdHead(t, parley, held)
  const waiting = ['one', 'two'].map(content => alice.command('send_message', { chatId: held, content }))
  for (let n = 1; n <= 20; n++) t.equal((await alice.command('send_message', { chatId: free, content: `${n}` })).message.seq, n)
  const third = alice.command('send_message', { chatId: held, content: 'three' })
  await holder.rows('COMMIT')
  t.strictSame((await Promise.all([...waiting, third])).map(({ message }) => [message.seq, message.content]), [[1, 'one'], [2, 'two'], [3, 'three']])
})

t.test('many held heads at once', async t => {
  const chats = await Promise.all(Array.from({ length: 4 }, () => makeGroup(parley, 'alice')))
  const free = await makeGroup(parley, 'alice')
  const alice = await signIn(t, parley, 'alice')
  const holders = await Promise.all(chats.map(chatId => holdHead(t, parley, chatId)))
  const waiting = chats.map(chatId => alice.command('send_message', { chatId, content: 'held' }))
  t.match(await alice.command('send_message', { chatId: free, content: 'free' }), { message: { seq: 1 } })
  for (const holder of holders) await holder.rows('COMMIT')
  t.match(await Promise.all(waiting), chats.map(() => ({ message: { seq: 1 } })))
})

t.test('a member whose row is held holds up their own chat alone', async t => {
  const [held, free] = [await makeGroup(parley, 'alice', ['bob']), await makeGroup(parley, 'alice')]
  const holder = await connectSql(t, parley)
  await holder.rows('BEGIN')
  await holder.rows("SELECT FROM chat.chat_participant WHERE chat_id = $1 AND user_id = 'bob' FOR UPDATE", [held])
  const writer = newWriter(t, parley)
  const first = fillBatches(writer)
  const waiting = [writer.send(item(held, 'bob’s', { senderId: 'bob' })), writer.send(item(held, 'alice’s'))]
  const free1 = writer.send(item(free, 'in the same batch'))
  await first
  t.match(await free1, { seq: 1 })
  t.match(await writer.send(item(free, 'later')), { seq: 2 })
  await holder.rows('COMMIT')
  t.match(await Promise.all(waiting), [{ seq: 1 }, { seq: 2 }], 'which keeps its order')
})

t.test('a member who is removed while their send waits for the lock cannot post', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const bob = await signIn(t, parley, 'bob')
  const holder = await holdHead(t, parley, chatId)
  const refused = [
    t.rejects(bob.command('send_message', { chatId, content: 'by WebSocket' }), { code: 'CHAT_NOT_FOUND' }),
    t.rejects(send(parley, 'bob', chatId, 'by REST'), { code: 'CHAT_NOT_FOUND' }),
  ]
  await holder.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())")
  await holder.rows("UPDATE chat.chat_participant SET state = 'REMOVED', revision = 4, inbox_revision = 2 WHERE chat_id = $1 AND user_id = 'bob'", [chatId])
  await holder.rows('UPDATE chat.chat_head SET last_revision = 4, member_count = 1 WHERE chat_id = $1', [chatId])
  await holder.rows('COMMIT')
  await Promise.all(refused)
  t.strictSame(await history(parley, 'alice', chatId), [])
})

t.test('a member who is removed through the API at the same time: either the message was first, or there is none', async t => {
  for (let round = 0; round < 10; round++) {
    const chatId = await makeGroup(parley, 'alice', ['bob'])
    const [sent] = await Promise.allSettled([send(parley, 'bob', chatId, 'hello'), request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/bob`)])
    const rows = await history(parley, 'alice', chatId)
    const order = sent.status === 'fulfilled' ? ['TEXT', 'SYSTEM'] : ['SYSTEM']
    t.strictSame(rows.map(({ type }) => type), order)
  }
})

t.test('a message that PostgreSQL refuses fails alone', async t => {
  const [chatId, otherId] = [await makeGroup(parley, 'alice'), await makeGroup(parley, 'alice')]
  const writer = newWriter(t, parley)
  const first = fillBatches(writer)
  const outcomes = await Promise.allSettled([
    writer.send(item(chatId, 'one')),
    writer.send(item(chatId, 'poison', { content: 'x'.repeat(10_001) })),
    writer.send(item(otherId, 'two')),
    writer.send(item(chatId, 'three')),
  ])
  await first
  t.match(outcomes, [
    { status: 'fulfilled', value: { seq: 1, chatId } }, { status: 'rejected', reason: { code: 'INTERNAL' } },
    { status: 'fulfilled', value: { seq: 1, chatId: otherId } }, { status: 'fulfilled', value: { seq: 2, chatId } },
  ])
  t.strictSame((await history(parley, 'alice', chatId)).map(({ content }) => content), ['one', 'three'])
})

t.test('a deadlock with SQL of the application is not the end of a message', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const alice = await signIn(t, parley, 'alice')
  const [other, watcher] = [await connectSql(t, parley), await connectSql(t, parley)]
  await other.rows("SET deadlock_timeout = '1h'") // so that it is the message that is undone
  await other.rows('BEGIN')
  await other.rows("SELECT FROM chat.chat_participant WHERE chat_id = $1 AND user_id = 'alice' FOR UPDATE", [chatId])
  const sent = alice.command('send_message', { chatId, content: 'hello' })
  await watcher.until("EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%send_messages%')")
  await other.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR UPDATE', [chatId])
  await other.rows('COMMIT')
  t.match(await sent, { message: { seq: 1, content: 'hello' } })
})

t.test('too many that wait', async t => {
  const chatId = await makeGroup(parley, 'alice')
  const holder = await holdHead(t, parley, chatId)
  const writer = newWriter(t, parley)
  const outcomes = Promise.allSettled(Array.from({ length: 10_200 }, (_, n) => writer.send(item(chatId, `${n}`))))
  await t.rejects(writer.send(item(chatId, 'one more')), { code: 'OVERLOADED', retryable: true, retryAfterMs: 1_000 })
  // What waits is refused when the test is over, not sent: the rows would take long.
  await holder.rows('UPDATE chat.chat_session SET deleted_at = now() WHERE id = $1', [chatId])
  await holder.rows('COMMIT')
  const codes = (await outcomes).map(outcome => outcome.status === 'rejected' ? outcome.reason.code : 'SENT')
  const expected = new Set(['OVERLOADED', 'CHAT_NOT_FOUND', 'OUTCOME_UNKNOWN']) // the last where the machine is so busy that an answer comes too late
  t.strictSame(codes.filter(code => !expected.has(code)), [])
  t.ok(codes.filter(code => code === 'OVERLOADED').length >= 1, 'no more than so many are kept')
})

t.test('connections that are lost in the middle of sends: every send is answered, and is there once', async t => {
  const chats = await Promise.all([1, 2, 3].map(() => makeGroup(parley, 'alice')))
  const sql = await connectSql(t, parley)
  const writer = newWriter(t, parley)
  const kill = (which: string) => `SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%chat.send_messages($1%' AND ${which}`
  const sends: Promise<unknown>[] = []
  for (let round = 0; round < 4; round++) {
    const holder = await holdHead(t, parley, chats[round % 3] as string)
    for (let n = 0; n < 75; n++) sends.push(writer.send(item(chats[n % 3] as string, `${round} ${n}`)))
    await sql.until(kill("wait_event_type = 'Lock'")) // before it has done anything,
    for (let n = 0; n < 10; n++) await sql.rows(kill("state = 'active' AND pid <> pg_backend_pid()")) // and wherever it stands
    await holder.rows('COMMIT')
  }
  t.match(await Promise.all(sends), sends.map(() => ({ status: /created|duplicate/ })))
  for (const chatId of chats) {
    const rows = await sql.rows<{ seq: number, key: string }>('SELECT seq, client_message_id AS key FROM chat.chat_message WHERE chat_id = $1 ORDER BY seq', [chatId])
    t.strictSame(rows.map(({ seq }) => seq), Array.from({ length: 100 }, (_, n) => n + 1))
    t.equal(new Set(rows.map(({ key }) => key)).size, 100)
  }
})

t.end()
