// chat.send_messages as an application calls it in SQL, inside a transaction of its own.
import { once } from 'node:events'
import t from 'tap'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

interface Row { idx: number, status: string, code: string | null, message_id: string | null, chat_id: string, seq: number | null, revision: number | null, previous_revision: number | null, created_at: Date | null, participant: object | null, thread_root: object | null, message: object | null }

const parley = await startParley(t)
const sql = await connectSql(t, parley)
const item = (chatId: string, key: string, more: object = {}) => ({ chatId, senderId: 'alice', content: key, clientMessageId: key, requestHash: key, ...more })
const call = (items: object[], options = '') => sql.rows<Row>(`SELECT * FROM chat.send_messages($1::jsonb${options})`, [JSON.stringify(items)])

t.test('one row an item, in their order', async t => {
  const [one, two] = [await makeGroup(parley, 'alice', ['bob']), await makeGroup(parley, 'alice')]
  const rows = await call([
    item(two, 'a'), item(one, 'b'), item(one, 'c', { senderId: 'zoe' }), item(one, 'd', { senderId: 'bob' }), item(one, 'b'), item(one, 'b', { requestHash: 'other' }),
    item(two, 'e', { content: 'x', replyToSeq: 7 }), item(two, 'a', { senderId: null, type: 'SYSTEM', content: null, system: { kind: 'x' } }), item(two, 'f'),
  ])
  t.strictSame(rows.map(({ idx, status, code, chat_id: chatId, seq }) => [idx, status, code, chatId, seq]), [
    [1, 'created', null, two, 1],
    [2, 'created', null, one, 1],
    [3, 'rejected', 'CHAT_NOT_FOUND', one, null],
    [4, 'created', null, one, 2],
    [5, 'duplicate', null, one, 1],
    [6, 'rejected', 'MESSAGE_ID_CONFLICT', one, null],
    [7, 'rejected', 'MESSAGE_NOT_FOUND', two, null],
    [8, 'created', null, two, 2],
    [9, 'created', null, two, 3],
  ])
  for (const row of rows.filter(({ status }) => status === 'created')) t.match(row, { message_id: `${row.chat_id}.${row.seq}`, previous_revision: Number(row.revision) - 1, created_at: Date })
  t.strictSame((await history(parley, 'bob', one)).map(({ content, senderId }) => [content, senderId]), [['b', 'alice'], ['d', 'bob']])
})

t.test('a reply to a message of the same batch is to one that is not there yet', async t => {
  const chatId = await makeGroup(parley, 'alice')
  t.match(await call([item(chatId, 'a'), item(chatId, 'b', { replyToSeq: 1 })]), [{ status: 'created' }, { code: 'MESSAGE_NOT_FOUND' }])
})

t.test('only READ COMMITTED sees what the holder of the lock has committed', async t => {
  const chatId = await makeGroup(parley, 'alice')
  for (const level of ['REPEATABLE READ', 'SERIALIZABLE']) {
    await sql.rows(`BEGIN ISOLATION LEVEL ${level}`)
    await t.rejects(call([item(chatId, 'a')]), { message: /PARLEY_ISOLATION/, code: '25000' }, level)
    await sql.rows('ROLLBACK')
  }
  t.strictSame(await history(parley, 'alice', chatId), [])
})

t.test('without waiting: busy for a head that is held, refused for one that is not there', async t => {
  const [held, free] = [await makeGroup(parley, 'alice'), await makeGroup(parley, 'alice')]
  const nowhere = '01900000-0000-7000-8000-000000000001'
  const holder = await connectSql(t, parley)
  await holder.rows('BEGIN')
  await holder.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR NO KEY UPDATE', [held])
  t.match(await call([item(held, 'a'), item(nowhere, 'a'), item(free, 'a')], ', p_wait => false'), [
    { status: 'busy', code: 'BUSY', seq: null }, { status: 'rejected', code: 'CHAT_NOT_FOUND' }, { status: 'created', seq: 1 },
  ])
  await holder.rows('COMMIT')
  t.match(await call([item(held, 'a'), item(free, 'a')], ', p_wait => false'), [{ status: 'created' }, { status: 'duplicate' }])
})

t.test('it belongs to the transaction that calls it', async t => {
  const chatId = await makeGroup(parley, 'alice')
  const before = await sql.rows('SELECT * FROM chat.chat_head WHERE chat_id = $1', [chatId])
  await sql.rows('BEGIN')
  t.match(await call([item(chatId, 'a')]), [{ status: 'created', seq: 1 }])
  await sql.rows('ROLLBACK')
  t.strictSame(await sql.rows('SELECT * FROM chat.chat_head WHERE chat_id = $1', [chatId]), before)
  t.match(await sql.rows('SELECT sent_count, read_seq FROM chat.chat_participant WHERE chat_id = $1', [chatId]), [{ sent_count: 0, read_seq: 0 }])
  t.match(await send(parley, 'alice', chatId, 'the first', { clientMessageId: 'a' }), { seq: 1 }, 'the numbers are given again')
})

t.test('the nodes are woken at the commit, and only when that is asked for', async t => {
  const chatId = await makeGroup(parley, 'alice')
  const listener = await connectSql(t, parley)
  await listener.rows('LISTEN parley')
  const heard: string[] = []
  listener.client.on('notification', ({ payload }) => { heard.push(payload ?? '') })
  await call([item(chatId, 'a')], ', p_notify => false')
  await sql.rows('BEGIN')
  await call([item(chatId, 'rolled back')])
  await sql.rows('ROLLBACK')
  const first = once(listener.client, 'notification')
  const rows = await call([item(chatId, 'b'), item(chatId, 'c')])
  await first
  matchEach(t, heard.map(payload => JSON.parse(payload)), [{ chatId, revision: rows[1]?.revision }], 'one for a chat, with its newest revision')
})

t.test('what the sender had read goes on over their own messages, without a gap', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  await call([item(chatId, 'a'), item(chatId, 'b'), item(chatId, 'c', { senderId: 'bob' }), item(chatId, 'd')])
  const marks = await sql.rows('SELECT user_id, read_seq, delivered_seq, sent_count FROM chat.chat_participant WHERE chat_id = $1 ORDER BY user_id', [chatId])
  t.strictSame(marks.map(row => ({ ...row })), [
    { user_id: 'alice', read_seq: 2, delivered_seq: 2, sent_count: 3 }, { user_id: 'bob', read_seq: 0, delivered_seq: 0, sent_count: 1 },
  ])
})

t.test('time does not run backwards in a chat', async t => {
  const chatId = await makeGroup(parley, 'alice')
  await call([item(chatId, 'a')])
  await sql.rows("UPDATE chat.chat_message SET created_at = created_at + interval '1 hour' WHERE chat_id = $1", [chatId])
  await sql.rows("UPDATE chat.chat_head SET last_message_at = last_message_at + interval '1 hour' WHERE chat_id = $1", [chatId])
  const [first, second] = await sql.rows<{ created_at: Date }>('SELECT created_at FROM chat.chat_message WHERE chat_id = $1', [chatId]).then(async rows => [...rows, ...await call([item(chatId, 'b')])])
  t.ok(Number(second?.created_at) >= Number(first?.created_at))
})

t.test('each row that changes with a message has a revision of its own, just below', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [root] = await call([item(chatId, 'root')])
  const before = Number(root?.revision)
  const answer = (key: string, more: object = {}) => item(chatId, key, { senderId: 'bob', threadRootSeq: 1, ...more })
  const rows = await call([answer('a'), item(chatId, 'between'), answer('b'), answer('c', { threadRootSeq: 7 })])
  t.strictSame(rows.map(row => [row.status, row.seq, row.previous_revision, row.revision]), [
    ['created', 2, before, before + 1], ['created', 3, before + 1, before + 2], ['created', 4, before + 2, before + 4], ['rejected', null, null, null],
  ], 'the last answer of a batch brings the top of the thread along')
  t.match(rows.map(row => row.thread_root), [null, null, { seq: 1, revision: before + 3, thread: { replyCount: 2, lastReplySeq: 4 } }])
  const [again] = await call([answer('d', { threadRootSeq: 4 })])
  t.match(again, { previous_revision: before + 4, revision: before + 6, thread_root: { thread: { replyCount: 3, lastReplySeq: 5 } }, message: { threadRoot: { seq: 1 } } }, 'an answer to an answer is in its thread')
  t.match(await call([answer('a')]), [{ status: 'duplicate', thread_root: null, previous_revision: null }])
  t.strictSame((await sql.rows('SELECT last_revision FROM chat.chat_head WHERE chat_id = $1', [chatId])).map(row => ({ ...row })), [{ last_revision: before + 6 }])
})

t.test('mentions: of members, once; of all by those who keep the order', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const rows = await call([
    item(chatId, 'a', { mentions: { userIds: ['bob', 'nobody', 'alice', 'bob'], all: false } }), item(chatId, 'b', { mentions: { userIds: ['nobody'], all: false } }),
    item(chatId, 'c', { mentions: { userIds: [], all: true } }), item(chatId, 'd', { senderId: 'bob', mentions: { userIds: [], all: true } }),
  ])
  t.match(rows, [
    { message: { mentions: { userIds: ['bob', 'alice'], all: false } } }, { message: { mentions: { userIds: [], all: false } } }, { message: { mentions: { userIds: [], all: true } } },
    { status: 'rejected', code: 'ROLE_REQUIRED' },
  ])
  matchEach(t, await sql.rows('SELECT seq, user_id FROM chat.mention WHERE chat_id = $1 ORDER BY seq, n', [chatId]), [{ seq: 1, user_id: 'bob' }, { seq: 1, user_id: 'alice' }, { seq: 3, user_id: null }])
})

t.test('in a STREAM, who speaks is a participant from then on', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  await sql.rows("UPDATE chat.chat_session SET type = 'STREAM' WHERE id = $1", [chatId])
  await sql.rows("INSERT INTO chat.chat_user (id) VALUES ('zoe') ON CONFLICT DO NOTHING")
  const from = (senderId: string, key: string) => item(chatId, key, { senderId })
  const [first, ...rows] = await call([item(chatId, 'a'), from('zoe', 'b'), from('bob', 'c'), from('zoe', 'd'), from('stranger', 'e')])
  const before = Number(first?.revision)
  t.strictSame(rows.map(row => [row.code ?? row.seq, row.previous_revision, row.revision]), [
    [2, before, before + 2], [3, before + 2, before + 3], [4, before + 3, before + 4], ['CHAT_NOT_FOUND', null, null],
  ])
  t.match(rows[0], { participant: { userId: 'zoe', state: 'JOINED', role: 'MEMBER', revision: before + 1 }, watermark: { readSeq: 2, deliveredSeq: 2 } })
  t.match(rows[2], { participant: null, watermark: null }, 'not over what another has said')
  const zoe = () => sql.rows("SELECT p.read_seq, p.sent_count, p.join_revision, h.member_count FROM chat.chat_participant p NATURAL JOIN chat.chat_head h WHERE p.chat_id = $1 AND p.user_id = 'zoe'", [chatId])
  matchEach(t, await zoe(), [{ read_seq: 2, sent_count: 2, join_revision: before + 1, member_count: 3 }])
  await sql.rows("UPDATE chat.chat_participant SET state = 'LEFT' WHERE chat_id = $1 AND user_id = 'zoe'", [chatId])
  t.match(await call([from('zoe', 'f')]), [{ seq: 5, watermark: { readSeq: 5 }, participant: { state: 'JOINED' } }])
  matchEach(t, await zoe(), [{ read_seq: 5, sent_count: 3, member_count: 4 }])
  await sql.rows("UPDATE chat.chat_participant SET state = 'BANNED' WHERE chat_id = $1 AND user_id = 'zoe'", [chatId])
  t.match(await call([from('zoe', 'g')]), [{ code: 'CHAT_NOT_FOUND' }])
})

t.end()
