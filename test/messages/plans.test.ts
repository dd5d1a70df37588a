// No path that people use every day reads through the messages or the chats: what it costs does not grow with them.
import t, { type Test } from 'tap'
import { directChatWith } from '../../src/blocks/queries.ts'
import { chatView, findChat } from '../../src/chats/queries.ts'
import { listChats } from '../../src/chats/list-queries.ts'
import { listMessages } from '../../src/messages/history-queries.ts'
import { getMessage, messageState, sendMessages, updateContent, type SendItem } from '../../src/messages/queries.ts'
import type { Queryable } from '../../src/plugins/database.ts'
import { reactMany, type Reacting } from '../../src/reactions/queries.ts'
import { allUnread, chatUnread, markMany, messageReceipts, mutualWatermarks, type Mark } from '../../src/receipts/queries.ts'
import { countReply, listReplies } from '../../src/messages/thread-queries.ts'
import { changesFor, heads, loadUser, syncPage } from '../../src/sync/queries.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup } from '../helpers/world.ts'

const MESSAGES = 12_000
const MAX_SEQ = 2_147_483_647
/** PostgreSQL may take another plan for a prepared statement after five executions. */
const EXECUTIONS = 7

const parley = await startParley(t)
const sql = await connectSql(t, parley)
const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
const others = await Promise.all(Array.from({ length: 10 }, () => makeGroup(parley, 'alice', ['bob'])))
await request(parley, 'alice', 'PUT', '/blocks/carol')
for (const [id, count] of [[chatId, MESSAGES], ...others.map(id => [id, 300])] as [string, number][]) {
  await sql.rows(`INSERT INTO chat.chat_message (chat_id, seq, revision, ordinal, sender_ordinal, sender_id, content, client_message_id, request_hash, created_at)
    SELECT $1, n, n + 10, n, (n + 1) / 2, CASE WHEN n % 2 = 0 THEN 'alice' ELSE 'bob' END, 'message ' || n, 'old ' || n, 'hash', now() - interval '1 day' FROM generate_series(1, $2::integer) n`, [id, count])
  await sql.rows('UPDATE chat.chat_head SET last_seq = $2::integer, last_revision = $2::integer + 10, last_ordinal = $2::integer, last_ordinal_seq = $2::integer WHERE chat_id = $1', [id, count])
  await sql.rows("UPDATE chat.chat_participant SET sent_count = $2::integer / 2 WHERE chat_id = $1 AND user_id IN ('alice', 'bob')", [id, count])
}
await sql.rows("INSERT INTO chat.chat_session (id, type, created_by_id, direct_low, direct_high) SELECT gen_random_uuid(), 'DIRECT', 'x', 'x' || n, 'y' || n FROM generate_series(1, 5000) n")
// Every thousandth message is an image, every tenth an answer to the first, every fifth mentions bob.
await sql.rows("UPDATE chat.chat_message SET type = 'IMAGE' WHERE chat_id = $1 AND seq % 1000 = 0", [chatId])
await sql.rows('UPDATE chat.chat_message SET thread_root_seq = 1 WHERE chat_id = $1 AND seq % 10 = 5', [chatId])
await sql.rows("INSERT INTO chat.mention (chat_id, seq, n, user_id) SELECT m.chat_id, m.seq, 1, CASE WHEN m.seq % 100 > 0 THEN 'bob' END FROM chat.chat_message m WHERE m.seq % 5 = 0")
await sql.rows("UPDATE chat.chat_participant SET read_seq = $2, delivered_seq = $2 WHERE chat_id = $1 AND user_id = 'alice'", [chatId, MESSAGES])
await sql.rows('ANALYZE')

const db: Queryable = { query: (statement, values) => sql.client.query({ ...statement, values }).then(({ rows }) => rows) }

const scansSoFar = async () => (await sql.row<{ scans: number }>(
  "SELECT coalesce(sum(seq_scan), 0)::integer AS scans FROM pg_stat_xact_user_tables WHERE relid IN ('chat.chat_message'::regclass, 'chat.chat_session'::regclass)")).scans

/** Of a page, with what it quotes and looks up: far fewer than the chat has. */
const ROWS_OF_A_PAGE = 1_000

const rowsSoFar = async () => (await sql.row<{ rows: number }>("SELECT coalesce(sum(idx_tup_fetch + seq_tup_read), 0)::integer AS rows FROM pg_stat_xact_user_tables WHERE relid = 'chat.chat_message'::regclass")).rows

/** How many messages were read at most by one execution. */
async function rowsOf (work: (n: number) => Promise<unknown>): Promise<number> {
  const read: number[] = []
  await sql.rows('BEGIN')
  for (let n = 0; n < EXECUTIONS; n++) {
    const before = await rowsSoFar()
    await work(n)
    read.push(await rowsSoFar() - before)
  }
  await sql.rows('COMMIT')
  return Math.max(...read)
}

/** How often a table that grows was read from end to end. Within a transaction the counter goes on without a break. */
async function scansOf (work: (n: number) => Promise<unknown>): Promise<number> {
  await sql.rows('BEGIN')
  const before = await scansSoFar()
  for (let n = 0; n < EXECUTIONS; n++) await work(n)
  const scans = await scansSoFar() - before
  await sql.rows('COMMIT')
  return scans
}

let keys = 0
const item = (chatId: string, more: Partial<SendItem> = {}): SendItem => ({ chatId, senderId: 'alice', content: 'hello', clientMessageId: `key ${++keys}`, requestHash: 'hash', ...more })
const mark = (userId: string, more: Partial<Mark>): Mark => ({ chatId, userId, isRead: false, upToSeq: null, isNamed: false, ...more })
const reaction = (seq: number, isAdded = true): Reacting => ({ chatId, seq, userId: 'bob', emoji: 'ok', isAdded })
const range = { before: MAX_SEQ, olderLimit: 50, after: MAX_SEQ, newerLimit: 0 }

const PATHS: Record<string, (n: number) => Promise<unknown>> = {
  'sending one': () => sendMessages(db, [item(chatId)], { wait: false }),
  'sending many, to many chats': () => sendMessages(db, [chatId, ...others].flatMap(id => Array.from({ length: 20 }, () => item(id))), { wait: false }),
  'sending one, waiting': () => sendMessages(db, [item(chatId, { replyToSeq: 5_000 })], { wait: true }),
  'sending the same again': n => sendMessages(db, [item(chatId, { clientMessageId: `old ${2 * n + 2}` })], { wait: false }),
  'the newest page': () => listMessages(db, chatId, 'bob', range, {}),
  'a page in the middle': () => listMessages(db, chatId, 'bob', { before: 6_000, olderLimit: 25, after: 5_999, newerLimit: 25 }, {}),
  'a page of one sender': () => listMessages(db, chatId, 'bob', range, { senderId: 'alice' }),
  'the newest page of who has just joined': () => listMessages(db, chatId, 'dave', range, {}),
  'a page of one type': () => listMessages(db, chatId, 'bob', range, { type: 'IMAGE' }),
  'a page of a type that there is not': () => listMessages(db, chatId, 'bob', range, { type: 'VOICE' }),
  'a page of what has attachments': () => listMessages(db, chatId, 'bob', range, { hasAttachment: true }),
  'a page of one sender and type': () => listMessages(db, chatId, 'bob', range, { senderId: 'alice', type: 'IMAGE' }),
  'a page by time': () => listMessages(db, chatId, 'bob', range, { from: '2020-01-01T00:00:00Z', to: '2020-01-02T00:00:00Z' }),
  'a page of what is to come': () => listMessages(db, chatId, 'bob', range, { from: '2099-01-01T00:00:00Z' }),
  'a thread': () => listReplies(db, { chatId, seq: 1 }, 'alice', range),
  'a thread that nobody has written in': n => listReplies(db, { chatId, seq: 102 + 10 * n }, 'alice', range),
  'the count of a thread': n => countReply(db, { chatId, seq: 1 }, 2_000_000 + n, -1),
  'one message': n => getMessage(db, { chatId, seq: 100 + n }, 'bob'),
  'the state of a message': n => messageState(db, { chatId, seq: 100 + n }, 'bob'),
  'an edit': n => updateContent(db, { chatId, seq: 200 + n }, 1_000_000 + n, 'edited'),
  changes: n => changesFor(db, chatId, ['bob'], MESSAGES - 100 + n, 200),
  'changes after so long that they are a reset': n => changesFor(db, chatId, ['bob'], 100 + n, 200),
  'changes of several followers': n => changesFor(db, chatId, ['alice', 'bob', 'carol'], MESSAGES - 100 + n, 200),
  'a sync': () => syncPage(db, 'bob', 0, null, 200),
  'what the hub loads': () => loadUser(db, 'bob'),
  'what a sweep reads': () => heads(db, [chatId, ...others]),
  'finding a DIRECT chat': () => findChat(db, 'y7', { type: 'DIRECT', targetUserId: 'x7' }),
  'finding a chat by its keys': () => findChat(db, 'alice', { type: 'GROUP', clientChatId: 'key', externalRef: 'ref' }),
  'finding the DIRECT chat of a block': () => directChatWith(db, 'y7', 'x7'),
  'a chat': () => chatView(db, chatId, 'bob'),
  'the list of chats': () => listChats(db, 'bob', { limit: 50 }, undefined),
  'unread messages of a chat': () => chatUnread(db, chatId, 'carol'),
  'unread messages of all chats': () => allUnread(db, 'bob'),
  'marking as read': n => markMany(db, [mark('bob', { isRead: true, upToSeq: 1_000 + n })], { wait: false }),
  'marking as delivered': n => markMany(db, [mark('carol', { upToSeq: 1_000 + n })], { wait: false }),
  'marking many as read': n => markMany(db, [...others.map(id => mark('bob', { chatId: id, isRead: true, upToSeq: 100 + n })), mark('alice', { isRead: true, upToSeq: null })], { wait: true }),
  'a reaction': n => reactMany(db, [reaction(100 + n)], { wait: false }),
  'many reactions': n => reactMany(db, [reaction(200 + n), reaction(200 + n, false), reaction(300 + n), reaction(400, n % 2 === 0)], { wait: true }),
  receipts: n => messageReceipts(db, { chatId, seq: 100 + n }, 'bob', 50, undefined),
  'what two people see of each other': () => mutualWatermarks(db, 'bob', 'carol'),
}

for (const [name, work] of Object.entries(PATHS)) t.test(name, async (t: Test) => { t.equal(await scansOf(work), 0) })

for (const [name, work] of Object.entries(PATHS).filter(([name]) => /page|thread|reaction/.test(name))) {
  t.test(`${name}: walks an index to what it shows`, async (t: Test) => {
    const rows = await rowsOf(work)
    t.ok(rows < ROWS_OF_A_PAGE, `${rows} messages`)
  })
}

t.test('and a scan would be seen', async t => {
  t.equal(await scansOf(() => sql.rows("SELECT count(*) FROM chat.chat_message WHERE content LIKE '%9'")), EXECUTIONS)
})

t.end()
