// Threads: what is answered below a message, how it is counted, and who sees what of it.
import t from 'tap'
import type { CommandResult, Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

type Thread = CommandResult<'get_thread'>
type Told = { message: Message, threadRoot?: Message }
const parley = await startParley(t)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const answer = (userId: string, { id, chatId }: Message, content = 'answer', more: object = {}) => send(parley, userId, chatId, content, { threadRootId: id, ...more })
const threadOf = (userId: string, { id }: Message, query = '') => rest<Thread>(userId, 'GET', `/messages/${id}/replies${query}`)
const remove = (userId: string, { id }: Message, scope = 'everyone') => rest<Told>(userId, 'DELETE', `/messages/${id}?scope=${scope}`)
const get = async (userId: string, { id }: Message) => (await rest<{ message: Message }>(userId, 'GET', `/messages/${id}`)).message

async function setup (others = ['ben', 'cat']) {
  const chatId = await makeGroup(parley, 'ann', others)
  return { chatId, root: await send(parley, 'ann', chatId, 'the top') }
}

t.test('a reply is in the thread, and the message at its top counts it', async t => {
  const { chatId, root } = await setup()
  const cat = await signIn(t, parley, 'cat')
  const [one, two] = [await answer('ben', root), await answer('cat', root, 'two', { replyToId: root.id })]
  t.match(one, { threadRoot: { messageId: root.id, seq: root.seq }, replyTo: null, thread: null })
  t.match(two, { threadRoot: { messageId: root.id }, replyTo: { messageId: root.id } })
  const top = await get('cat', root)
  t.strictSame(top.thread, { replyCount: 2, lastReplySeq: two.seq })
  t.strictSame([root.revision, one.revision, top.revision, two.revision].toSorted((a, b) => a - b), [root.revision, one.revision, top.revision, two.revision], 'each row has a revision of its own')
  const told = await cat.soFar('message_received')
  t.match(told.map(({ data }) => data), [{ message: { id: one.id }, threadRoot: { id: root.id, thread: { replyCount: 1, lastReplySeq: one.seq } } }, { message: { id: two.id }, threadRoot: top }])
  t.equal((told[1]?.revision ?? 0) - (told[1]?.previousRevision ?? 0), 2)
  t.strictSame((await history(parley, 'ben', chatId)).map(({ id }) => id), [root.id, one.id, two.id], 'they are messages of the chat, too')
})

t.test('a reply to a reply is in the same thread', async t => {
  const { root } = await setup()
  const one = await answer('ben', root)
  t.equal((await answer('cat', one)).threadRoot?.messageId, root.id)
  t.equal((await get('ann', root)).thread?.replyCount, 2)
  t.strictSame(await threadOf('ann', one), await threadOf('ann', root), 'and the thread can be asked for by any of them')
})

t.test('the same key again does not count twice; with another thread it is another request', async t => {
  const { root } = await setup()
  const other = await send(parley, 'ann', root.chatId, 'another')
  const key = { clientMessageId: 'once' }
  t.equal((await answer('ben', root, 'answer', key)).id, (await answer('ben', root, 'answer', key)).id)
  t.equal((await get('ann', root)).thread?.replyCount, 1)
  await t.rejects(answer('ben', other, 'answer', key), { code: 'MESSAGE_ID_CONFLICT' })
  await t.rejects(send(parley, 'ben', root.chatId, 'answer', key), { code: 'MESSAGE_ID_CONFLICT' })
})

t.test('not below what is deleted, of SYSTEM, of another chat, or out of sight', async t => {
  const { chatId, root } = await setup()
  const deleted = await send(parley, 'ann', chatId, 'deleted')
  await remove('ann', deleted)
  await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: ['dan'] })
  const system = (await history(parley, 'ann', chatId)).at(-1) as Message
  t.equal(system.type, 'SYSTEM')
  const elsewhere = await send(parley, 'ben', await makeDirect(parley, 'ben', 'eve'), 'elsewhere')
  const before = await history(parley, 'ann', chatId)
  for (const target of [deleted, system, { ...elsewhere, chatId }, { ...root, id: `${chatId}.99` }]) await t.rejects(answer('ben', target), { code: 'MESSAGE_NOT_FOUND' }, target.content ?? target.type)
  await t.rejects(answer('dan', root), { code: 'MESSAGE_NOT_FOUND' }, 'from before his time')
  await remove('cat', root, 'me')
  await t.rejects(answer('cat', root), { code: 'MESSAGE_NOT_FOUND' }, 'hidden from oneself')
  await t.rejects(rest('ben', 'POST', '/messages', { targetUserId: 'gus', content: 'hi', threadRootId: root.id }), { code: 'MESSAGE_NOT_FOUND' })
  t.strictSame(await history(parley, 'ann', chatId), before, 'nothing has changed')
})

t.test('pages of a thread, ascending, from the end and in both directions', async t => {
  const { chatId, root } = await setup()
  const seqs: number[] = []
  for (let n = 0; n < 7; n++) {
    seqs.push((await answer(n % 2 ? 'ben' : 'cat', root, `${n}`)).seq)
    await send(parley, 'ben', chatId, 'beside it')
  }
  const page = async (query: string) => {
    const { data, nextCursor } = await threadOf('ann', root, query)
    return [data.map(({ seq }) => seqs.indexOf(seq)), nextCursor]
  }
  t.strictSame(await page(''), [[0, 1, 2, 3, 4, 5, 6], null])
  t.strictSame(await page('?limit=3'), [[4, 5, 6], String(seqs[4])])
  t.strictSame(await page(`?limit=3&before=${seqs[4]}`), [[1, 2, 3], String(seqs[1])])
  t.strictSame(await page(`?limit=3&before=${seqs[1]}`), [[0], null])
  t.strictSame(await page('?limit=3&after=0'), [[0, 1, 2], String(seqs[2])])
  t.strictSame(await page(`?limit=3&after=${seqs[3]}`), [[4, 5, 6], null])
  t.strictSame((await threadOf('ann', root)).root, await get('ann', root))
  t.match((await threadOf('ann', root)).users, { ann: { id: 'ann' }, ben: { id: 'ben' }, cat: { id: 'cat' } })
  t.match(await threadOf('ann', await send(parley, 'ann', chatId, 'nobody answers')), { root: { thread: null }, data: [], unreadCount: 0, nextCursor: null })
  for (const query of ['?before=1&after=2', '?limit=0', '?around=3']) await t.rejects(threadOf('ann', root, query), { code: 'VALIDATION_FAILED' }, query)
  await t.rejects(threadOf('zoe', root), { code: 'MESSAGE_NOT_FOUND' })
})

t.test('what is unread in a thread: as in the chat, but of its replies alone', async t => {
  const { chatId, root } = await setup()
  const unread = async (userId = 'ben') => (await threadOf(userId, root)).unreadCount
  const [one, two, three] = [await answer('ann', root), await answer('cat', root), await answer('cat', root)]
  await send(parley, 'ann', chatId, 'beside it')
  await answer('ann', root)
  t.equal(await unread(), 4)
  t.equal(await unread('cat'), 2, 'not one\'s own')
  await rest('ben', 'POST', `/sessions/${chatId}/read`, { upToSeq: one.seq })
  t.equal(await unread(), 3)
  await remove('cat', two)
  t.equal(await unread(), 2, 'not the deleted')
  await remove('ben', three, 'me')
  t.equal(await unread(), 1, 'nor the hidden')
  await rest('ben', 'PUT', '/blocks/ann')
  t.equal(await unread(), 0, 'nor those of somebody whom one blocks')
  await rest('ben', 'DELETE', '/blocks/ann')
  await rest('ben', 'POST', `/sessions/${chatId}/read`, {})
  t.equal(await unread(), 0)
})

t.test('a deleted reply does not count any more; a restored one does again', async t => {
  const { chatId, root } = await setup()
  const [one, two] = [await answer('ben', root), await answer('ben', root)]
  const cat = await signIn(t, parley, 'cat')
  const asAdmin = (id: string) => fetch(`${parley.url}/api/v1/chat/admin/messages/${id}/restore`, { method: 'POST', headers: { authorization: `Bearer ${parley.token('root', { role: 'admin' })}` } })
  const summaries: unknown[] = []
  const note = async () => { summaries.push((await get('cat', root)).thread) }
  await remove('ben', two)
  await note()
  await remove('ben', two)
  await note()
  await remove('ann', one)
  await note()
  await asAdmin(one.id)
  await note()
  await asAdmin(two.id)
  await note()
  t.strictSame(summaries, [{ replyCount: 1, lastReplySeq: one.seq }, { replyCount: 1, lastReplySeq: one.seq }, null, { replyCount: 1, lastReplySeq: one.seq }, { replyCount: 2, lastReplySeq: two.seq }])
  const told = await cat.soFar('message_deleted', 'message_edited')
  t.strictSame(told.map(({ type, revision = 0, previousRevision = 0 }) => [type, revision - previousRevision]), [['message_deleted', 2], ['message_deleted', 2], ['message_edited', 2], ['message_edited', 2]])
  t.strictSame((told.at(-1)?.data as Told).threadRoot, await get('cat', root))
  t.strictSame((await threadOf('cat', root)).data, await history(parley, 'cat', chatId, `?after=${root.seq}`))
})

t.test('a thread outlives the deletion of the message at its top', async t => {
  const { root } = await setup()
  const one = await answer('ben', root)
  await remove('ann', root)
  t.match(await threadOf('cat', one), { root: { id: root.id, content: null, deletedById: 'ann', thread: { replyCount: 1 } }, data: [{ id: one.id }] })
  await t.rejects(answer('cat', root), { code: 'MESSAGE_NOT_FOUND' })
  await t.rejects(answer('cat', one), { code: 'MESSAGE_NOT_FOUND' })
  await remove('ben', one)
  t.equal((await get('cat', root)).thread, null)
})

t.test('and its removal by retention', async t => {
  const { root, chatId } = await setup()
  const one = await answer('ben', root)
  const sql = await connectSql(t, parley)
  await sql.rows('UPDATE chat.chat_head SET min_seq = $2 WHERE chat_id = $1', [chatId, one.seq])
  await sql.rows('DELETE FROM chat.chat_message WHERE chat_id = $1 AND seq < $2', [chatId, one.seq])
  t.match(await threadOf('cat', one), { root: { unavailable: true }, data: [{ id: one.id }] })
  const cat = await signIn(t, parley, 'cat')
  await remove('ben', one)
  const { data, revision = 0, previousRevision = 0 } = await cat.next('message_deleted')
  t.strictSame([Object.keys(data as object), revision - previousRevision], [['message'], 1])
})

t.test('a page brings the tops of the threads that it is of, as the reader may see them', async t => {
  const { chatId, root } = await setup()
  const one = await answer('ben', root)
  const related = async (userId: string) => (await rest<{ related: object }>(userId, 'GET', `/sessions/${chatId}/messages?limit=1`)).related
  t.strictSame(await related('cat'), { [root.id]: await get('cat', root) })
  t.strictSame((await rest<{ related: object }>('cat', 'GET', `/messages/${one.id}`)).related, { [root.id]: await get('cat', root) })
  const { related: changed } = await rest<{ related: object }>('cat', 'GET', `/sessions/${chatId}/changes?since=${one.revision - 1}`)
  t.strictSame(changed, { [root.id]: await get('cat', root) })
  await rest('cat', 'PUT', '/blocks/ann')
  t.match(await related('cat'), { [root.id]: { content: null, fromBlocked: true } })
  t.match((await threadOf('cat', one)).root, { content: null, fromBlocked: true })
  await rest('cat', 'DELETE', '/blocks/ann')
  await remove('cat', root, 'me')
  t.strictSame(await related('cat'), { [root.id]: { unavailable: true } })
  t.strictSame((await threadOf('cat', one)).root, { unavailable: true })
  await t.rejects(threadOf('cat', root), { code: 'MESSAGE_NOT_FOUND' })
  await remove('ann', root)
  t.strictSame(await related('ben'), { [root.id]: { unavailable: true } })
})

t.test('who has joined later sees the replies since, and nothing of the top', async t => {
  const { chatId, root } = await setup()
  await answer('ben', root, 'before')
  await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: ['hal'] })
  const hal = await signIn(t, parley, 'hal')
  const since = await answer('ben', root, 'since')
  t.strictSame((await hal.next('message_received')).data, { message: since })
  t.match(await threadOf('hal', since), { root: { unavailable: true }, data: [{ content: 'since' }], related: {}, unreadCount: 1, nextCursor: null })
  t.equal((await threadOf('hal', since)).data.length, 1)
  t.equal((await answer('hal', since, 'mine')).threadRoot?.seq, root.seq)
  t.equal((await get('ann', root)).thread?.replyCount, 3)
})

t.test('many replies at once are all counted', async t => {
  const { root } = await setup()
  await Promise.all(Array.from({ length: 40 }, (_, n) => answer(['ann', 'ben', 'cat'][n % 3] as string, root, `${n}`)))
  const { data } = await threadOf('ann', root, '?limit=100')
  t.strictSame((await get('ann', root)).thread, { replyCount: 40, lastReplySeq: data.at(-1)?.seq })
})

t.end()
