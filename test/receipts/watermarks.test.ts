// What somebody has got and read: it only moves forward, and others are told.
import t from 'tap'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const mark = (kind: 'read' | 'delivered', userId: string, chatId: string, body: object = {}) => request<object>(parley, userId, 'POST', `/sessions/${chatId}/${kind}`, body)
const receipts = async (userId: string, messageId: string) =>
  (await request<{ data: { userId: string, status: string, readAt: string | null }[] }>(parley, userId, 'GET', `/messages/${messageId}/receipts`)).data

async function groupWithMessages (count: number, sender: string, others: string[]): Promise<string> {
  const chatId = await makeGroup(parley, sender, others)
  for (let n = 1; n <= count; n++) await send(parley, sender, chatId, `${n}`)
  return chatId
}

t.test('watermarks never go back, and never past the newest message', async t => {
  const chatId = await groupWithMessages(5, 'alice', ['bob'])
  t.match(await mark('delivered', 'bob', chatId, { upToSeq: 2 }), { chatId, userId: 'bob', deliveredSeq: 2, readSeq: 0, unreadCount: 5, updated: true })
  t.match(await mark('read', 'bob', chatId, { upToSeq: 3 }), { deliveredSeq: 3, readSeq: 3, unreadCount: 2, updated: true }, 'who has read it has got it')
  t.match(await mark('read', 'bob', chatId, { upToSeq: 1 }), { deliveredSeq: 3, readSeq: 3, unreadCount: 2, updated: false })
  t.match(await mark('delivered', 'bob', chatId, { upToSeq: 1 }), { deliveredSeq: 3, readSeq: 3, updated: false })
  t.match(await mark('read', 'bob', chatId, { messageIds: [`${chatId}.4`, `${chatId}.2`] }), { readSeq: 4, unreadCount: 1 }, 'the highest of some')
  t.match(await mark('read', 'bob', chatId, { upToSeq: 2_147_483_647 }), { deliveredSeq: 5, readSeq: 5, unreadCount: 0 })
  await send(parley, 'alice', chatId, '6')
  t.match(await mark('read', 'bob', chatId), { readSeq: 6, updated: true }, 'everything')
  t.match(await mark('read', 'bob', chatId), { readSeq: 6, updated: false })
})

t.test('marks at once', async t => {
  const chatId = await groupWithMessages(20, 'alice', ['bob'])
  await Promise.all(Array.from({ length: 20 }, (_, n) => mark(n % 2 ? 'read' : 'delivered', 'bob', chatId, { upToSeq: 1 + (n * 7) % 20 })))
  await mark('read', 'bob', chatId)
  t.match(await mark('read', 'bob', chatId), { readSeq: 20, deliveredSeq: 20, updated: false })
  const sql = await connectSql(t, parley)
  const intervals = await sql.rows<{ from_seq: number, to_seq: number }>('SELECT from_seq, to_seq FROM chat.message_read WHERE chat_id = $1 ORDER BY to_seq', [chatId])
  t.strictSame(intervals.map(({ from_seq: from }) => from), [1, ...intervals.slice(0, -1).map(({ to_seq: to }) => to + 1)], 'each message was read once')
  t.equal(intervals.at(-1)?.to_seq, 20)
})

t.test('members and my own devices are told, when something has moved', async t => {
  const chatId = await groupWithMessages(3, 'alice', ['bob'])
  const [alice, phone, desk] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob'), await signIn(t, parley, 'bob')]
  const answer = await phone.command('mark_as_read', { chatId, upToSeq: 2 })
  for (const socket of [alice, phone, desk]) t.strictSame(await socket.next('messages_read'), { type: 'messages_read', chatId, data: { userId: 'bob', readSeq: 2, at: answer.at } })
  await phone.command('mark_as_delivered', { chatId, upToSeq: 3 })
  t.match(await alice.next('messages_delivered'), { chatId, data: { userId: 'bob', deliveredSeq: 3 } })
  await phone.command('mark_as_read', { chatId, upToSeq: 1 })
  t.strictSame(await alice.soFar('messages_read', 'messages_delivered'), [])
})

t.test('fetching the newest messages, or those after, is having got them; nothing else is', async t => {
  const chatId = await groupWithMessages(6, 'alice', ['bob'])
  const alice = await signIn(t, parley, 'alice')
  for (const query of ['?before=4', '?around=3', '?senderId=alice', '?type=TEXT']) await history(parley, 'bob', chatId, query)
  t.strictSame(await alice.soFar('messages_delivered'), [])
  await history(parley, 'bob', chatId, '?after=0&limit=2')
  t.match(await alice.next('messages_delivered'), { data: { userId: 'bob', deliveredSeq: 2 } })
  await history(parley, 'bob', chatId)
  t.match(await alice.next('messages_delivered'), { data: { userId: 'bob', deliveredSeq: 6 } })
})

t.test('who has read a message, and when', async t => {
  const chatId = await groupWithMessages(4, 'alice', ['bob', 'carol', 'dave', 'erin'])
  await mark('read', 'bob', chatId, { upToSeq: 2 })
  await mark('read', 'carol', chatId, { upToSeq: 1 })
  await mark('read', 'bob', chatId)
  await mark('delivered', 'dave', chatId)
  const [first, third] = [await receipts('alice', `${chatId}.1`), await receipts('alice', `${chatId}.3`)]
  matchEach(t, first, [{ userId: 'bob', status: 'read', readAt: String }, { userId: 'carol', status: 'read', readAt: String }, { userId: 'dave', status: 'delivered', readAt: null }])
  matchEach(t, third, [{ userId: 'bob', status: 'read', readAt: String }, { userId: 'dave', status: 'delivered' }])
  t.ok(Date.parse(String(third[0]?.readAt)) > Date.parse(String(first[0]?.readAt)), 'each message when its interval was read')
  t.equal((await receipts('bob', `${chatId}.1`)).length, 3, 'whoever may see the message may ask')
  await t.rejects(receipts('zoe', `${chatId}.1`), { code: 'MESSAGE_NOT_FOUND' })
})

t.test('who has come later has not read what was before', async t => {
  const chatId = await groupWithMessages(2, 'alice', ['bob'])
  await mark('read', 'bob', chatId, { upToSeq: 1 })
  await request(parley, 'bob', 'DELETE', `/sessions/${chatId}`)
  await send(parley, 'alice', chatId, 'in between')
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['bob', 'carol'] })
  t.strictSame(await receipts('alice', `${chatId}.2`), [])
  t.strictSame(await receipts('alice', `${chatId}.4`), [])
  await t.rejects(receipts('carol', `${chatId}.2`), { code: 'MESSAGE_NOT_FOUND' })
})

t.test('strangers and messages of other chats', async t => {
  const [chatId, otherId] = [await groupWithMessages(2, 'alice', ['bob']), await groupWithMessages(1, 'alice', ['bob'])]
  for (const kind of ['read', 'delivered'] as const) {
    await t.rejects(mark(kind, 'zoe', chatId), { code: 'CHAT_NOT_FOUND' })
    await t.rejects(mark(kind, 'bob', chatId, { messageIds: [`${otherId}.1`] }), { code: 'MESSAGE_NOT_FOUND' })
    await t.rejects(mark(kind, 'bob', chatId, { messageIds: [`${chatId}.1`], upToSeq: 1 }), { code: 'VALIDATION_FAILED' })
  }
  t.match(await mark('read', 'bob', chatId, { upToSeq: 0 }), { readSeq: 0, updated: false })
})

t.test('in a chat of more than 256 only one’s own devices are told, and no times are kept', async t => {
  const chatId = await groupWithMessages(2, 'alice', ['bob'])
  const sql = await connectSql(t, parley)
  await sql.rows("INSERT INTO chat.chat_user (id) SELECT 'crowd ' || n FROM generate_series(1, 255) n")
  await sql.rows(`INSERT INTO chat.chat_participant (chat_id, user_id, join_revision, revision, inbox_revision)
    SELECT $1, 'crowd ' || n, h.last_revision + n, h.last_revision + n, 1 FROM chat.chat_head h, generate_series(1, 255) n WHERE h.chat_id = $1`, [chatId])
  await sql.rows('UPDATE chat.chat_head SET member_count = 257, last_revision = last_revision + 255 WHERE chat_id = $1', [chatId])
  const [alice, phone, desk] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob'), await signIn(t, parley, 'bob')]
  t.match(await phone.command('mark_as_read', { chatId, upToSeq: 1 }), { readSeq: 1, updated: true })
  t.match(await desk.next('messages_read'), { data: { userId: 'bob', readSeq: 1 } })
  t.strictSame(await alice.soFar('messages_read'), [])
  t.strictSame(await sql.rows('SELECT FROM chat.message_read WHERE chat_id = $1', [chatId]), [])
  t.strictSame(await receipts('alice', `${chatId}.1`), [{ userId: 'bob', status: 'read', deliveredAt: null, readAt: null }])
  t.strictSame((await alice.command('join_chat', { chatId })).watermarks, [{ userId: 'alice', deliveredSeq: 2, readSeq: 2 }], 'of the others there is none to see')
})

t.end()
