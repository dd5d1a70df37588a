// Messages go by their age: oldest first, by the chat's own retentionDays as it is when the job runs, with all that hangs on them.
import t from 'tap'
import type { ChatView, CommandResult, Message } from '../../src/contract.ts'
import { age, fill, killedAfter } from '../helpers/jobs.ts'
import { request, sameAsServer, startClient } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t, { DELETED_CONTENT_DAYS: '30' })
const sql = await connectSql(t, parley)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const trim = (signal?: AbortSignal) => parley.app.jobs.run('trim-history', signal)
const keep = (chatId: string, retentionDays: number | null) => rest('ann', 'PATCH', `/sessions/${chatId}`, { settings: { retentionDays } })
const view = (userId: string, chatId: string) => rest<ChatView>(userId, 'GET', `/sessions/${chatId}`)
const seqs = async (chatId: string) => (await sql.rows<{ seq: number }>('SELECT seq FROM chat.chat_message WHERE chat_id = $1 ORDER BY seq', [chatId])).map(({ seq }) => seq)
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n)
const countOf = async (table: string, chatId: string) => (await sql.row<{ count: number }>(`SELECT count(*)::integer AS count FROM chat.${table} WHERE chat_id = $1`, [chatId])).count
/** The definition, message by message. */
const naiveUnread = async (chatId: string, userId: string) => (await sql.row<{ count: number }>(`
  SELECT count(*)::integer AS count FROM chat.chat_message m JOIN chat.chat_participant p ON p.chat_id = m.chat_id AND p.user_id = $2
  WHERE m.chat_id = $1 AND m.seq > greatest(p.read_seq, p.visible_from_seq - 1, p.cleared_seq) AND m.type <> 'SYSTEM' AND m.sender_id <> $2 AND m.deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = m.chat_id AND x.seq = m.seq AND x.user_id = $2)`, [chatId, userId])).count

/** ann owns it, ben and cat are in it. */
async function setup (...contents: string[]) {
  const chatId = await makeGroup(parley, 'ann', ['ben', 'cat'])
  const messages: Message[] = []
  for (const content of contents) messages.push(await send(parley, 'ben', chatId, content))
  return { chatId, messages: messages as [Message, Message, Message] }
}

t.test('what is older than the chat keeps it goes, and everybody is told', async t => {
  const { chatId, messages } = await setup('one', 'two', 'three')
  await keep(chatId, 7)
  const before = (await view('cat', chatId)).head
  const cat = await signIn(t, parley, 'cat')
  await age(parley, chatId, 1, 8)
  await age(parley, chatId, 2, 6)
  await trim()
  t.match(await cat.next('history_trimmed'), { chatId, previousRevision: before.lastRevision, revision: before.lastRevision + 1, data: { minSeq: 2 } })
  t.strictSame((await history(parley, 'cat', chatId)).map(({ content }) => content), ['two', 'three'])
  t.match((await view('cat', chatId)).head, { minSeq: 2, lastSeq: 3, messageCount: 3, lastRevision: before.lastRevision + 1 })
  await t.rejects(rest('cat', 'GET', `/messages/${messages[0].id}`), { code: 'MESSAGE_NOT_FOUND' })
  await t.rejects(send(parley, 'cat', chatId, 'to that', { replyToId: messages[0].id }), { code: 'MESSAGE_NOT_FOUND' })
  await trim()
  t.equal((await view('cat', chatId)).head.lastRevision, before.lastRevision + 1, 'nothing to do, nothing done')
})

t.test('by what the chat says now: nothing in a chat that keeps everything (again)', async t => {
  const { chatId } = await setup('one', 'two')
  await age(parley, chatId, 2, 400)
  await trim()
  t.strictSame(await seqs(chatId), [1, 2])
  await keep(chatId, 30)
  await keep(chatId, null)
  await trim()
  t.strictSame(await seqs(chatId), [1, 2])
  await keep(chatId, 500)
  await trim()
  t.strictSame(await seqs(chatId), [1, 2])
  await keep(chatId, 399)
  await trim()
  t.strictSame(await seqs(chatId), [])
})

t.test('with all that hangs on it, pins too; what points at it points at nothing', async t => {
  const { chatId, messages: [one, two] } = await setup('one', 'two', 'three')
  await rest('cat', 'POST', `/messages/${one.id}/reactions`, { emoji: '👍' })
  await rest('cat', 'POST', `/messages/${two.id}/reactions`, { emoji: '👍' })
  await rest('ben', 'PATCH', `/messages/${one.id}`, { content: 'one!' })
  await rest('ann', 'POST', `/messages/${one.id}/pin`)
  await rest('ann', 'DELETE', `/messages/${one.id}?scope=me`)
  for (const upToSeq of [1, 3]) await rest('cat', 'POST', `/sessions/${chatId}/delivered`, { upToSeq })
  await rest('cat', 'POST', `/sessions/${chatId}/read`, { upToSeq: 1 })
  await rest('cat', 'POST', `/sessions/${chatId}/read`, { upToSeq: 3 })
  const answer = await send(parley, 'cat', chatId, 'to that', { replyToId: one.id })
  await sql.rows("INSERT INTO chat.mention (chat_id, seq, n, user_id) VALUES ($1, 1, 1, 'cat'), ($1, 1, 2, NULL), ($1, 2, 1, 'cat')", [chatId])
  await keep(chatId, 7)
  await age(parley, chatId, 1, 8)
  await trim()
  t.equal(await countOf('message_reaction', chatId), 1)
  t.equal(await countOf('message_version', chatId), 0)
  t.equal(await countOf('message_hidden', chatId), 0)
  t.equal(await countOf('mention', chatId), 1)
  t.strictSame((await sql.rows<{ seq: number }>('SELECT seq FROM chat.message_search WHERE chat_id = $1 ORDER BY seq', [chatId])).map(({ seq }) => seq), [2, 3, 4])
  t.strictSame(await sql.rows('SELECT user_id, from_seq, to_seq FROM chat.message_read WHERE chat_id = $1 ORDER BY 1', [chatId]), [{ user_id: 'cat', from_seq: 2, to_seq: 3 }])
  t.strictSame(await sql.rows("SELECT from_seq, to_seq FROM chat.message_delivery WHERE chat_id = $1 AND user_id = 'cat'", [chatId]), [{ from_seq: 2, to_seq: 3 }])
  t.strictSame((await rest<CommandResult<'get_pins'>>('cat', 'GET', `/sessions/${chatId}/pins`)).data, [])
  const page = await rest<CommandResult<'get_history'>>('cat', 'GET', `/sessions/${chatId}/messages`)
  t.match(page.data.find(({ id }) => id === answer.id), { replyTo: { messageId: one.id, seq: 1 } })
  t.strictSame(page.related[one.id], { unavailable: true })
})

t.test('a segment of the search goes with the last of its messages', async t => {
  const { chatId } = await setup()
  await fill(parley, chatId, 'ben', 300)
  await keep(chatId, 7)
  await sql.until('EXISTS (SELECT FROM chat.search_progress WHERE chat_id = $1 AND indexed = 256)', [chatId])
  const segments = async () => (await sql.rows<{ number: number }>('SELECT DISTINCT number FROM chat.search_segment WHERE chat_id = $1 AND level = 0 ORDER BY 1', [chatId])).map(({ number }) => number)
  await age(parley, chatId, 127, 8)
  await trim()
  t.strictSame(await segments(), [0, 1])
  await age(parley, chatId, 128, 8)
  await trim()
  t.strictSame(await segments(), [1])
})

t.test('500 in a transaction, a revision and an event each', async t => {
  const { chatId } = await setup()
  await fill(parley, chatId, 'ben', 1_203)
  await keep(chatId, 7)
  const { lastRevision } = (await view('cat', chatId)).head
  await age(parley, chatId, 1_201, 8)
  const cat = await signIn(t, parley, 'cat')
  await trim()
  for (const [n, minSeq] of [501, 1_001, 1_202].entries()) {
    t.match(await cat.next('history_trimmed'), { chatId, previousRevision: lastRevision + n, revision: lastRevision + n + 1, data: { minSeq } })
  }
  t.strictSame(await seqs(chatId), [1_202, 1_203])
})

t.test('when everything has gone: nothing unread, no last message, and it goes on', async t => {
  const { chatId } = await setup('one', 'two', 'three')
  const client = await startClient(t, parley, 'cat')
  await keep(chatId, 7)
  await age(parley, chatId, 3, 8)
  t.equal((await view('cat', chatId)).head.unreadCount, 3)
  await trim()
  t.match(await view('cat', chatId), { lastMessage: null, head: { minSeq: 4, lastSeq: 3, unreadCount: 0 } })
  t.strictSame(await history(parley, 'cat', chatId), [])
  t.match(await rest('cat', 'POST', `/sessions/${chatId}/read`, {}), { readSeq: 3, unreadCount: 0, updated: true })
  t.match((await rest<{ heads: object[] }>('ann', 'POST', '/sync', {})).heads.find(head => 'chatId' in head && head.chatId === chatId), { unreadCount: 0, minSeq: 4 })
  await sameAsServer(t, parley, 'cat', client)
  t.match(await send(parley, 'ben', chatId, 'four'), { seq: 4 })
  t.match(await view('cat', chatId), { lastMessage: { content: 'four' }, head: { unreadCount: 1 } })
  await sameAsServer(t, parley, 'cat', client)
})

t.test('unread counts stay exact, wherever somebody stands', async t => {
  const { chatId } = await setup()
  const people = ['ann', 'ben', 'cat', 'eve', 'fay']
  await fill(parley, chatId, 'ben', 4)
  await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: ['eve', 'fay'] })
  for (const content of ['six', 'seven', 'eight']) await send(parley, 'cat', chatId, content)
  for (const content of ['nine', 'ten']) await send(parley, 'ben', chatId, content)
  await rest('cat', 'POST', `/sessions/${chatId}/read`, { upToSeq: 3 })
  await rest('fay', 'POST', `/sessions/${chatId}/read`, { upToSeq: 8 })
  await rest('eve', 'DELETE', `/messages/${chatId}.8?scope=me`)
  await rest('ann', 'DELETE', `/messages/${chatId}.7`)
  await keep(chatId, 7)
  const last = (await view('ann', chatId)).head.lastSeq
  for (let oldest = 1; oldest <= last; oldest++) {
    await age(parley, chatId, oldest, 8)
    await trim()
    t.equal((await view('ann', chatId)).head.minSeq, oldest + 1)
    for (const userId of people) t.equal((await view(userId, chatId)).head.unreadCount, await naiveUnread(chatId, userId), `${userId}, from ${oldest + 1} on`)
  }
})

t.test('who was away hears of it from changes and from sync', async t => {
  const { chatId } = await setup('one', 'two', 'three')
  await keep(chatId, 7)
  const client = await startClient(t, parley, 'cat')
  await sameAsServer(t, parley, 'cat', client)
  client.stop()
  await age(parley, chatId, 2, 8)
  await trim()
  client.start()
  await sameAsServer(t, parley, 'cat', client)
  t.strictSame([...client.state.chats.get(chatId)?.messages.keys() ?? []], [3])
})

t.test('killed between two transactions, it goes on the next time', async t => {
  const { chatId } = await setup()
  await fill(parley, chatId, 'ben', 1_400)
  await keep(chatId, 7)
  await age(parley, chatId, 1_300, 8)
  const client = await startClient(t, parley, 'cat')
  await t.rejects(trim(killedAfter(1)), { message: 'killed' })
  t.strictSame(await seqs(chatId), from(501, 1_400), 'one transaction is whole')
  t.match((await view('cat', chatId)).head, { minSeq: 501, unreadCount: 900 })
  await trim()
  t.strictSame(await seqs(chatId), from(1_301, 1_400))
  await sameAsServer(t, parley, 'cat', client)
})

t.test('people go on writing meanwhile: nothing fails, nothing is lost, no number is left out', async t => {
  const chatIds = await Promise.all([1, 2, 3].map(() => makeGroup(parley, 'ann', ['ben', 'cat'])))
  for (const chatId of chatIds) {
    await fill(parley, chatId, 'ben', 2_000)
    await keep(chatId, 7)
    await age(parley, chatId, 2_000, 8)
  }
  const job = { done: false }
  const trimming = (async () => {
    await Promise.all([trim(), trim()]) // two at once, as when one was taken for dead
    job.done = true
  })()
  const sent: Message[] = []
  const write = async (userId: string) => {
    for (let n = 0; !job.done || n < 30; n++) {
      const message = await send(parley, userId, chatIds[n % 3] ?? '', `from ${userId}, ${n}`)
      sent.push(message)
      if (n % 5 === 0) await rest(userId, 'POST', `/messages/${message.id}/reactions`, { emoji: '👍' })
      if (n % 7 === 0) await rest(userId, 'POST', `/sessions/${message.chatId}/read`, {})
    }
  }
  await Promise.all([trimming, write('ann'), write('ben'), write('cat')])
  for (const chatId of chatIds) {
    const mine = sent.filter(message => message.chatId === chatId).map(({ seq }) => seq).toSorted((a, b) => a - b)
    t.strictSame(mine, from(2_001, 2_000 + mine.length))
    t.strictSame(await seqs(chatId), mine)
    for (const userId of ['ann', 'ben', 'cat']) t.equal((await view(userId, chatId)).head.unreadCount, await naiveUnread(chatId, userId))
  }
})

t.test('a chat that cannot be had now does not keep the others', async t => {
  const chats = [await setup('one', 'two'), await setup('one', 'two'), await setup('one', 'two')] as const
  const held = chats[1].chatId
  for (const { chatId } of chats) {
    await keep(chatId, 7)
    await age(parley, chatId, 1, 8)
  }
  await sql.rows('BEGIN')
  await sql.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR NO KEY UPDATE', [held])
  await t.rejects(trim(), { message: '1 chats could not be trimmed' })
  await sql.rows('ROLLBACK')
  const left: number[][] = []
  for (const { chatId } of chats) left.push(await seqs(chatId))
  t.strictSame(left, [[2], [1, 2], [2]])
  await trim()
  t.strictSame(await seqs(held), [2])
})

t.test('hiding a message that is going finds that it has gone', async t => {
  const { chatId, messages: [one] } = await setup('one', 'two')
  await sql.rows('BEGIN')
  await sql.rows('SELECT chat.delete_messages($1, 1, 2)', [chatId])
  const hiding = rest('cat', 'DELETE', `/messages/${one.id}?scope=me`)
  const watcher = await connectSql(t, parley)
  await watcher.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%message_hidden%')")
  await sql.rows('COMMIT')
  await t.rejects(hiding, { code: 'MESSAGE_NOT_FOUND' })
})

t.test('what deleted messages have said goes after DELETED_CONTENT_DAYS; other earlier contents stay', async t => {
  const { chatId, messages } = await setup('one', 'two', 'three')
  for (const { id } of messages) await rest('ben', 'PATCH', `/messages/${id}`, { content: 'edited' })
  for (const { id } of messages.slice(0, 2)) await rest('ben', 'DELETE', `/messages/${id}`)
  await sql.rows("UPDATE chat.message_version SET replaced_at = replaced_at - interval '40 days' WHERE chat_id = $1", [chatId])
  await sql.rows("UPDATE chat.chat_message SET deleted_at = deleted_at - CASE seq WHEN 1 THEN interval '30 days 2 minutes' ELSE interval '29 days' END WHERE chat_id = $1 AND deleted_at IS NOT NULL", [chatId])
  await parley.app.jobs.run('purge-deleted-content')
  t.strictSame(await sql.rows('SELECT seq, version FROM chat.message_version WHERE chat_id = $1 ORDER BY 1, 2', [chatId]), [{ seq: 2, version: 1 }, { seq: 2, version: 2 }, { seq: 3, version: 1 }])
  t.match(await history(parley, 'cat', chatId), [{ content: null }, { content: null }, { content: 'edited' }], 'of the messages nothing changes')
})

t.test('also where there are more of them than are looked at at once, and cut off on the way', async t => {
  const { chatId } = await setup()
  await fill(parley, chatId, 'ben', 2_500)
  await sql.rows('INSERT INTO chat.message_version (chat_id, seq, version, content, replaced_at) SELECT chat_id, seq, 1, content, now() FROM chat.chat_message WHERE chat_id = $1', [chatId])
  await sql.rows("UPDATE chat.chat_message SET content = NULL, deleted_at = now() - interval '31 days' WHERE chat_id = $1 AND seq % 10 <> 0", [chatId])
  await t.rejects(parley.app.jobs.run('purge-deleted-content', killedAfter(2)), { message: 'killed' })
  t.ok(await countOf('message_version', chatId) > 250, 'not all of it is done')
  await parley.app.jobs.run('purge-deleted-content')
  t.equal(await countOf('message_version', chatId), 250)
})
t.end()
