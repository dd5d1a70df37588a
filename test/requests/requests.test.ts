// Who does not know somebody asks before they talk.
import t, { type Test } from 'tap'
import type { ChatView, Membership, Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t, { CHAT_REQUESTS: 'on' })
const sql = await connectSql(t, parley)
const rest = <Body = unknown>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const view = (userId: string, chatId: string) => rest<ChatView>(userId, 'GET', `/sessions/${chatId}`)
const list = async (userId: string, query: string) => (await rest<{ data: ChatView[] }>(userId, 'GET', `/sessions?${query}`)).data.map(({ chat }) => chat.id)
const write = (userId: string, targetUserId: string, content: string, more: object = {}) => rest<{ message: Message }>(userId, 'POST', '/messages', { targetUserId, content, ...more })
const accept = (userId: string, chatId: string) => rest<ChatView>(userId, 'POST', `/sessions/${chatId}/accept`)
const reject = (userId: string, chatId: string) => rest(userId, 'POST', `/sessions/${chatId}/reject`)
/** As if the answer had been given so long ago. */
const answeredBefore = (chatId: string, interval: string) => sql.rows('UPDATE chat.chat_session SET answered_at = answered_at - $2::interval WHERE id = $1', [chatId, interval])

let pairs = 0
/** Two people who do not know each other. */
const strangers = (): [string, string] => [`asker${++pairs}`, `asked${pairs}`]

async function pending (): Promise<{ asker: string, asked: string, chatId: string }> {
  const [asker, asked] = strangers()
  return { asker, asked, chatId: await makeDirect(parley, asker, asked) }
}

t.test('a chat with somebody whom one does not know is a request, among the requests of both', async t => {
  const { asker, asked, chatId } = await pending()
  t.match((await view(asker, chatId)).chat.request, { status: 'PENDING', requestedById: asker, answeredAt: null })
  await send(parley, asker, chatId, 'hello')
  t.strictSame(await list(asked, 'state=requests&direction=received'), [chatId])
  t.strictSame(await list(asked, 'state=requests&direction=sent'), [])
  t.strictSame(await list(asked, 'state=requests'), [chatId])
  for (const state of ['active', 'archived']) t.strictSame(await list(asked, `state=${state}`), [], state)
  t.strictSame(await list(asker, 'state=requests&direction=sent'), [chatId])
  t.strictSame(await list(asker, 'state=requests&direction=received'), [])
  t.strictSame(await list(asker, 'state=active'), [chatId], 'for who asks it is a chat of theirs')
  t.strictSame(await list(asked, 'state=requests&type=GROUP'), [])
  t.strictSame(await list(asked, `state=requests&q=${asker}`), [chatId])
  t.match(await rest(asked, 'GET', '/unread'), { totalUnread: 0, chats: [] })
  t.match(await rest(asked, 'GET', `/sessions/${chatId}/unread`), { unreadCount: 1 })
  matchEach(t, await history(parley, asked, chatId), [{ content: 'hello' }])
  await accept(asked, chatId)
  t.strictSame(await list(asked, 'state=requests'), [])
  t.strictSame(await list(asked, 'state=active'), [chatId])
  t.match(await rest(asked, 'GET', '/unread'), { totalUnread: 1 })
  await t.rejects(list(asked, 'state=active&direction=sent'), { code: 'VALIDATION_FAILED' })
})

t.test('three messages before the answer, however they come', async t => {
  const { asker, asked, chatId } = await pending()
  const sent = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => send(parley, asker, chatId, `number ${n}`, { clientMessageId: `key ${n}` })))
  t.equal(sent.filter(({ status }) => status === 'fulfilled').length, 3)
  for (const outcome of sent) if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'REQUEST_LIMIT', status: 403 })
  const [first] = await history(parley, asked, chatId)
  t.match(await rest(asker, 'POST', `/sessions/${chatId}/messages`, { content: first?.content, clientMessageId: first?.clientMessageId }), { duplicate: true, message: { id: first?.id } }, 'a repeat is no new one')
  await rest(asker, 'DELETE', `/messages/${first?.id}?scope=everyone`)
  await t.rejects(send(parley, asker, chatId, 'one more'), { code: 'REQUEST_LIMIT' }, 'nor does deleting make room')
  await accept(asked, chatId)
  for (let n = 0; n < 5; n++) await send(parley, asker, chatId, 'now as many as I like')
})

t.test('until then there is nothing else to be done in it', async t => {
  const { asker, asked, chatId } = await pending()
  const { id } = await send(parley, asker, chatId, 'hello')
  const group = await makeGroup(parley, asker, [])
  const origin = await send(parley, asker, group, 'elsewhere')
  for (const userId of [asker, asked]) {
    await t.rejects(rest(userId, 'POST', `/messages/${id}/reactions`, { emoji: '👍' }), { code: 'REQUEST_PENDING', status: 403 }, userId)
    await t.rejects(rest(userId, 'POST', `/messages/${id}/pin`), { code: 'REQUEST_PENDING' }, userId)
  }
  t.match(await rest(asker, 'POST', `/messages/${origin.id}/forward`, { chatIds: [chatId] }), { messages: [], failed: [{ chatId, code: 'REQUEST_PENDING' }] })
  t.match(await rest(asker, 'PATCH', `/messages/${id}`, { content: 'hello!' }), { message: { content: 'hello!' } }, 'but what one has said can be said better')
  await t.rejects(accept(asker, chatId), { code: 'ROLE_REQUIRED' })
  await t.rejects(reject(asker, chatId), { code: 'ROLE_REQUIRED' })
  for (const answer of [accept, reject]) await t.rejects(answer('zoe', chatId), { code: 'CHAT_NOT_FOUND' })
  await accept(asked, chatId)
  await rest(asker, 'POST', `/messages/${id}/reactions`, { emoji: '👍' })
})

t.test('accepting tells both, once', async t => {
  const { asker, asked, chatId } = await pending()
  const [one, other] = [await signIn(t, parley, asker), await signIn(t, parley, asked)]
  const { chat, membership } = await other.command('accept_chat', { chatId })
  t.match(chat.request, { status: 'ACCEPTED', requestedById: asker, answeredAt: String })
  t.equal(membership?.state, 'JOINED')
  for (const socket of [one, other]) t.strictSame((await socket.next('chat_updated')).data.chat, chat)
  t.strictSame((await accept(asked, chatId)).chat, chat, 'again changes nothing')
  await t.rejects(reject(asked, chatId), { code: 'VALIDATION_FAILED' }, 'what is accepted stays so')
  t.strictSame(await one.soFar('chat_updated'), [])
})

t.test('who is asked is not seen: not reading, typing, looking, or being there', async t => {
  const { asker, asked, chatId } = await pending()
  const { id } = await send(parley, asker, chatId, 'hello')
  const [one, other] = [await signIn(t, parley, asker), await signIn(t, parley, asked)]
  await one.command('join_chat', { chatId })
  t.match(await other.command('join_chat', { chatId }), { viewerCount: 1 })
  await other.command('typing_start', { chatId })
  await other.command('mark_as_read', { chatId })
  await other.command('typing_stop', { chatId })
  await other.command('leave_chat', { chatId })
  await other.command('get_history', { chatId })
  await t.rejects(one.command('typing_start', { chatId }), { code: 'REQUEST_PENDING' })
  t.strictSame((await one.soFar()).map(({ type }) => type), [])
  t.match(await one.command('join_chat', { chatId }), { onlineUsers: [asker], onlineCount: 1, viewerCount: 1, watermarks: [{ userId: asked, deliveredSeq: 0, readSeq: 0 }, { userId: asker, readSeq: 1 }] })
  t.match(await one.command('get_online_users', {}), { userIds: [] })
  t.match(await rest(asker, 'POST', '/presence/query', { userIds: [asked] }), { data: [] })
  t.strictSame((await rest<{ data: object[] }>(asker, 'GET', `/messages/${id}/receipts`)).data, [])
  await rest(asked, 'PATCH', '/me', { displayName: 'Nobody yet' })
  t.strictSame((await one.soFar()).map(({ type }) => type), [])

  await other.command('accept_chat', { chatId })
  t.match((await one.next('chat_updated')).data, { watermark: { userId: asked, readSeq: 1 } }, 'then how far they have read')
  t.match((await rest<{ data: object[] }>(asker, 'GET', `/messages/${id}/receipts`)).data, [{ userId: asked, status: 'read' }])
  await other.command('typing_start', { chatId })
  t.match((await one.next('user_typing')).data, { userId: asked })
  await one.command('typing_start', { chatId })
})

for (const [name, answer] of Object.entries({
  'to the chat': (asked: string, _asker: string, chatId: string) => send(parley, asked, chatId, 'yes', { clientMessageId: 'answer' }),
  'to the person': (asked: string, asker: string) => write(asked, asker, 'yes', { clientMessageId: 'answer' }),
  'by a forward': async (asked: string, _asker: string, chatId: string) => {
    const { id } = await send(parley, asked, await makeGroup(parley, asked, []), 'yes')
    t.match(await rest(asked, 'POST', `/messages/${id}/forward`, { chatIds: [chatId], clientMessageId: 'answer' }), { failed: [] })
  },
})) {
  t.test(`writing ${name} accepts`, async t => {
    const { asker, asked, chatId } = await pending()
    await send(parley, asker, chatId, 'hello')
    const socket = await signIn(t, parley, asker)
    await answer(asked, asker, chatId)
    const updated = await socket.next('chat_updated')
    const received = await socket.next('message_received')
    t.match(updated.data.chat.request, { status: 'ACCEPTED' })
    t.match(received.data.message, { content: 'yes', senderId: asked })
    t.equal(received.previousRevision, updated.revision, 'one after the other')
    matchEach(t, await history(parley, asker, chatId), [{ content: 'hello' }, { content: 'yes' }])
    t.match((await view(asked, chatId)).head, { unreadCount: 1 })
  })
}

t.test('an answer that is refused accepts nothing', async t => {
  const { asker, asked, chatId } = await pending()
  await t.rejects(send(parley, asked, chatId, 'yes', { replyToId: `${chatId}.77` }), { code: 'MESSAGE_NOT_FOUND' })
  t.match((await view(asker, chatId)).chat.request, { status: 'PENDING' })
})

t.test('both write at the same time: the request is accepted, and nothing is lost or double', async t => {
  for (let round = 0; round < 10; round++) {
    const { asker, asked, chatId } = await pending()
    await Promise.all([
      ...Array.from({ length: 3 }, (_, n) => send(parley, asker, chatId, `asked ${n}`)),
      ...Array.from({ length: 3 }, (_, n) => send(parley, asked, chatId, `answered ${n}`)),
    ])
    const messages = await history(parley, asker, chatId)
    t.strictSame(messages.map(({ seq }) => seq), [1, 2, 3, 4, 5, 6])
    t.match((await view(asker, chatId)).chat.request, { status: 'ACCEPTED' })
  }
})

t.test('rejecting puts the chat out of sight of who was asked', async t => {
  const { asker, asked, chatId } = await pending()
  const { id } = await send(parley, asker, chatId, 'hello')
  const [one, other] = [await signIn(t, parley, asker), await signIn(t, parley, asked)]
  t.strictSame(await other.command('reject_chat', { chatId }), { chatId })
  t.match((await other.next('inbox_updated')).data, { removed: [chatId], memberships: [] })
  t.match((await one.next('chat_updated')).data.chat.request, { status: 'REJECTED', answeredAt: String })
  for (const state of ['active', 'archived', 'requests']) t.strictSame(await list(asked, `state=${state}`), [], state)
  t.match(await rest(asked, 'POST', '/sync', {}), { heads: [] })
  for (const path of [`/sessions/${chatId}`, `/sessions/${chatId}/messages`, `/sessions/${chatId}/changes?since=0`]) await t.rejects(rest(asked, 'GET', path), { code: 'CHAT_NOT_FOUND' }, path)
  await t.rejects(rest(asked, 'GET', `/messages/${id}`), { code: 'MESSAGE_NOT_FOUND' })
  await other.soFar()
  await rest(asker, 'PATCH', `/messages/${id}`, { content: 'please' })
  t.strictSame(await other.soFar(), [], 'nor do they hear of it')
  await reject(asked, chatId)
  t.strictSame(await one.soFar('chat_updated'), [], 'again changes nothing')
  t.strictSame(await list(asker, 'state=active'), [chatId])
  t.strictSame(await list(asker, 'state=requests'), [])
})

t.test('the same pair is not asked again for 30 days, and the time is told', async t => {
  const { asker, asked, chatId } = await pending()
  for (let n = 0; n < 3; n++) await send(parley, asker, chatId, `number ${n}`)
  await reject(asked, chatId)
  await answeredBefore(chatId, '30 days -1 minute')
  const retryAt = new Date(Date.parse((await view(asker, chatId)).chat.request?.answeredAt ?? '') + 30 * 86_400_000).toISOString()
  const socket = await signIn(t, parley, asker)
  for (const [name, attempt] of Object.entries({
    'a send': () => socket.request({ id: 'a', type: 'send_message', data: { chatId, content: 'please' } }),
    'a send to the person': () => socket.request({ id: 'b', type: 'send_message', data: { targetUserId: asked, content: 'please' } }),
    'making it': () => socket.request({ id: 'c', type: 'create_chat', data: { type: 'DIRECT', targetUserId: asked } }),
  })) await t.rejects(attempt(), { code: 'REQUEST_LIMIT' }, name)
  const refused = await fetch(`${parley.url}/api/v1/chat/sessions/${chatId}/messages`, {
    method: 'POST', headers: { authorization: `Bearer ${parley.token(asker)}`, 'content-type': 'application/json' }, body: '{"content":"please"}',
  })
  t.match(await refused.json(), { code: 'REQUEST_LIMIT', details: { retryAt } })

  await answeredBefore(chatId, '1 minute')
  const other = await signIn(t, parley, asked)
  await send(parley, asker, chatId, 'once more')
  t.match((await other.next('inbox_updated')).data, { memberships: [{ chatId, state: 'JOINED' }] })
  t.strictSame(await list(asked, 'state=requests&direction=received'), [chatId])
  t.match((await view(asked, chatId)).chat.request, { status: 'PENDING', requestedById: asker, answeredAt: null })
  for (let n = 0; n < 2; n++) await send(parley, asker, chatId, 'three in all')
  await t.rejects(send(parley, asker, chatId, 'too many'), { code: 'REQUEST_LIMIT' })
  t.equal((await history(parley, asked, chatId)).length, 6)
})

t.test('making the chat asks again, too', async t => {
  const { asker, asked, chatId } = await pending()
  await reject(asked, chatId)
  await answeredBefore(chatId, '31 days')
  t.equal(await makeDirect(parley, asker, asked), chatId)
  t.strictSame(await list(asked, 'state=requests&direction=received'), [chatId])
})

for (const [name, agree] of Object.entries({
  accepting: (asked: string, _asker: string, chatId: string) => accept(asked, chatId),
  'writing to the chat': (asked: string, _asker: string, chatId: string) => send(parley, asked, chatId, 'after all'),
  'writing to the person': (asked: string, asker: string) => write(asked, asker, 'after all'),
  'making the chat': (asked: string, asker: string) => makeDirect(parley, asked, asker),
})) {
  t.test(`who has rejected changes their mind by ${name}`, async t => {
    const { asker, asked, chatId } = await pending()
    await send(parley, asker, chatId, 'hello')
    await reject(asked, chatId)
    const socket = await signIn(t, parley, asked)
    await agree(asked, asker, chatId)
    t.match((await view(asker, chatId)), { chat: { request: { status: 'ACCEPTED' } }, head: { memberCount: 2 } })
    t.match((await history(parley, asked, chatId))[0], { content: 'hello' })
    t.match((await socket.next('inbox_updated')).data, { memberships: [{ chatId, state: 'JOINED' }] })
    await socket.soFar()
    await send(parley, asker, chatId, 'thank you')
    t.match((await socket.next('message_received')).data.message, { content: 'thank you' })
  })
}

t.test('who shares a chat, or wants no requests, need not be asked', async t => {
  const [asker, asked] = strangers()
  await makeGroup(parley, 'olga', [asker, asked])
  const chatId = await makeDirect(parley, asker, asked)
  t.match((await view(asked, chatId)).chat.request, { status: 'AUTO_ACCEPTED', requestedById: asker, answeredAt: String })
  t.strictSame(await list(asked, 'state=requests'), [])
  for (let n = 0; n < 4; n++) await send(parley, asker, chatId, `number ${n}`)
  t.match(await rest(asked, 'GET', '/unread'), { totalUnread: 4 })

  const [one, open] = strangers()
  await rest(open, 'PATCH', '/me', { settings: { requests: 'ACCEPT' } })
  t.equal((await view(open, await makeDirect(parley, one, open))).chat.request, null)

  const [left, stayed] = strangers()
  const group = await makeGroup(parley, 'olga', [left, stayed])
  await rest(left, 'DELETE', `/sessions/${group}`)
  t.match((await view(left, await makeDirect(parley, left, stayed))).chat.request, { status: 'PENDING' }, 'a chat that one has left does not count')
})

t.test('a block is above the request', async t => {
  const { asker, asked, chatId } = await pending()
  await rest(asked, 'PUT', `/blocks/${asker}`)
  await t.rejects(send(parley, asker, chatId, 'hello'), { code: 'CHAT_BLOCKED' })
  await t.rejects(accept(asked, chatId), { code: 'CHAT_BLOCKED' })
  await t.rejects(send(parley, asked, chatId, 'yes'), { code: 'CHAT_BLOCKED' })
  t.match((await view(asker, chatId)).chat.request, { status: 'PENDING' })
  await rest(asked, 'DELETE', `/blocks/${asker}`)
  await send(parley, asker, chatId, 'hello')
  await reject(asked, chatId)
  await answeredBefore(chatId, '31 days')
  await rest(asked, 'PUT', `/blocks/${asker}`)
  await t.rejects(send(parley, asker, chatId, 'hello'), { code: 'CHAT_BLOCKED' })
  await t.rejects(makeDirect(parley, asker, asked), { code: 'CHAT_BLOCKED' })
})

t.test('where requests are off, nobody is asked', async t => {
  const off = await startParley(t)
  const chatId = await makeDirect(off, 'ann', 'ben')
  t.equal((await request<ChatView>(off, 'ben', 'GET', `/sessions/${chatId}`)).chat.request, null)
  for (let n = 0; n < 4; n++) await send(off, 'ann', chatId, `number ${n}`)
  const { membership } = await request<{ membership: Membership }>(off, 'ben', 'POST', `/sessions/${chatId}/accept`)
  t.equal(membership.state, 'JOINED', 'there is nothing to accept')
  await t.rejects(request(off, 'ben', 'POST', `/sessions/${chatId}/reject`), { code: 'VALIDATION_FAILED' })
})

t.test('as the database decides it: what an application sends by itself waits for the answer, too', async (t: Test) => {
  const { asker, asked, chatId } = await pending()
  const item = (senderId: string, n: number) => ({ chatId, senderId, content: `number ${n}`, clientMessageId: `${senderId} ${n}`, requestHash: 'x' })
  const items = [...Array.from({ length: 5 }, (_, n) => item(asker, n)), item(asked, 0)]
  matchEach(t, await sql.rows('SELECT status, code FROM chat.send_messages($1::jsonb)', [JSON.stringify(items)]), [
    { status: 'created' }, { status: 'created' }, { status: 'created' }, { status: 'rejected', code: 'REQUEST_LIMIT' }, { status: 'rejected', code: 'REQUEST_LIMIT' }, { status: 'rejected', code: 'REQUEST_PENDING' },
  ])
})

t.end()
