// Public live chats: who looks follows, who speaks takes part.
import t from 'tap'
import type { ChatView, EventName, Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn, type Socket } from '../helpers/socket.ts'
import { history, send } from '../helpers/world.ts'

const parley = await startParley(t)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const makeStream = async (more: object = {}) => (await rest<ChatView>('ann', 'POST', '/sessions', { type: 'STREAM', name: 'Live', ...more })).chat.id

async function joined (userId: string, chatId: string): Promise<Socket> {
  const socket = await signIn(t, parley, userId)
  await socket.command('join_chat', { chatId })
  return socket
}

const soFar = async (socket: Socket, chatId: string, ...types: EventName[]) => (await socket.soFar(...types)).filter(event => event.chatId === chatId)

t.test('anybody finds it by its reference, and sees it', async t => {
  const chatId = await makeStream({ externalRef: 'stream-1', labels: { channel: 'one' } })
  await send(parley, 'ann', chatId, 'welcome')
  const found = await rest<ChatView>('zoe', 'POST', '/sessions', { type: 'STREAM', name: 'Another name', externalRef: 'stream-1' })
  t.match(found, { chat: { id: chatId, type: 'STREAM', name: 'Live', createdById: 'ann' }, membership: null, head: { memberCount: 1, unreadCount: 0 }, lastMessage: { content: 'welcome' } })
  t.match(await rest('zoe', 'GET', `/sessions/${chatId}`), { chat: { id: chatId }, membership: null, participants: [{ userId: 'ann', role: 'OWNER' }] })
  t.match(await history(parley, 'zoe', chatId), [{ content: 'welcome' }])
  t.match(await rest('zoe', 'GET', `/sessions/${chatId}/participants`), { data: [{ userId: 'ann' }] })
  t.match(await rest('zoe', 'POST', `/sessions/${chatId}/read`, {}), { updated: false, unreadCount: 0 }, 'there is nothing to mark')
})

t.test('the list of streams, when it is asked for', async t => {
  const [one, two, other] = [await makeStream({ labels: { channel: 'list' } }), await makeStream({ labels: { channel: 'list' }, name: 'Números' }), await makeStream({ labels: { channel: 'else' } })]
  const list = async (query: string) => {
    const page = await rest<{ data: ChatView[], nextCursor: string | null }>('zoe', 'GET', `/sessions?type=STREAM${query}`)
    return { ...page, ids: page.data.map(({ chat }) => chat.id) }
  }
  t.strictSame((await list('&label.channel=list')).ids, [two, one])
  t.strictSame((await list('&label.channel=list&q=numeros')).ids, [two])
  const first = await list('&limit=2')
  t.strictSame(first.ids, [other, two])
  t.equal((await list(`&limit=2&cursor=${first.nextCursor}`)).ids[0], one)
  await send(parley, 'zoe', one, 'hi')
  await rest('ann', 'POST', `/sessions/${one}/participants/zoe/ban`)
  t.strictSame((await list('&label.channel=list')).ids, [two], 'not those from which one is banned')
})

t.test('it is followed by the sockets that look at it, and by no other', async t => {
  const chatId = await makeStream()
  const [phone, desk, owner] = [await signIn(t, parley, 'zoe'), await signIn(t, parley, 'zoe'), await signIn(t, parley, 'ann')]
  t.match(await phone.command('join_chat', { chatId: chatId.toUpperCase() }), { chat: { id: chatId }, viewerCount: 1, membership: null })
  const first = await send(parley, 'ann', chatId, 'one')
  t.match(await phone.next('message_received'), { chatId, data: { message: { id: first.id } } })
  t.strictSame(await soFar(desk, chatId), [], 'not the other socket of the same person')
  t.strictSame(await soFar(owner, chatId), [], 'and not its owner, who is not looking')
  await phone.command('leave_chat', { chatId })
  await send(parley, 'ann', chatId, 'two')
  t.strictSame(await soFar(phone, chatId), [])
  await t.rejects(phone.command('leave_chat', { chatId }), { code: 'NOT_IN_CHAT' })
  await t.rejects(phone.command('typing_start', { chatId }), { code: 'CHAT_NOT_FOUND' })
})

t.test('whoever speaks takes part from then on', async t => {
  const chatId = await makeStream()
  const [zoe, max] = [await joined('zoe', chatId), await joined('max', chatId)]
  const { message } = await zoe.command('send_message', { chatId, content: 'hi' })
  const told = { previousRevision: 2, revision: 4, data: { message: { id: message.id, revision: 4 }, participant: { userId: 'zoe', role: 'MEMBER', state: 'JOINED', revision: 3 }, watermark: { readSeq: 1 } } }
  t.match(await max.next('message_received'), told)
  t.match(await rest('zoe', 'GET', `/sessions/${chatId}`), { head: { memberCount: 2, readSeq: 1 }, membership: { state: 'JOINED', role: 'MEMBER' } })
  await zoe.command('send_message', { chatId, content: 'again' })
  t.notOk((await max.next('message_received')).data.participant, 'once')
  await rest('max', 'POST', `/sessions/${chatId}/messages`, { content: 'by REST' })
  t.match((await zoe.next('message_received', ({ data }) => data.message.senderId === 'max')).data, { participant: { userId: 'max' } })
})

t.test('who only looks changes nothing', async t => {
  const chatId = await makeStream()
  const { id } = await send(parley, 'ann', chatId, 'hello')
  await t.rejects(rest('zoe', 'POST', `/messages/${id}/reactions`, { emoji: '👍' }), { code: 'NOT_IN_CHAT' })
  await t.rejects(rest('zoe', 'DELETE', `/messages/${id}?scope=me`), { code: 'NOT_IN_CHAT' })
  await t.rejects(rest('zoe', 'DELETE', `/messages/${id}?scope=everyone`), { code: 'NOT_IN_CHAT' })
  await t.rejects(rest('zoe', 'POST', `/messages/${id}/pin`), { code: 'NOT_IN_CHAT' })
  await t.rejects(rest('zoe', 'PATCH', `/sessions/${chatId}`, { name: 'Mine' }), { code: 'NOT_IN_CHAT' })
  await t.rejects(rest('zoe', 'PATCH', `/sessions/${chatId}/me`, { pinned: true }), { code: 'NOT_IN_CHAT' })
  await t.rejects(rest('zoe', 'DELETE', `/sessions/${chatId}?scope=everyone`), { code: 'NOT_IN_CHAT' })
  await t.rejects(rest('zoe', 'POST', `/sessions/${chatId}/participants`, { userIds: ['max'] }), { code: 'NOT_IN_CHAT' })
  t.match(await rest('zoe', 'GET', `/sessions/${chatId}`), { head: { lastSeq: 1, memberCount: 1 } })
})

t.test('slow mode: one message in its time, but for those who keep the order', async t => {
  const chatId = await makeStream({ settings: { slowModeSeconds: 60 } })
  await send(parley, 'zoe', chatId, 'one')
  await t.rejects(send(parley, 'zoe', chatId, 'two'), { code: 'SLOW_MODE', status: 429 })
  const zoe = await signIn(t, parley, 'zoe')
  const error = await zoe.command('send_message', { chatId, content: 'two' }).catch((error: unknown) => error)
  t.match(error, { code: 'SLOW_MODE', retryable: true })
  const { retryAfterMs } = error as { retryAfterMs: number }
  t.ok(retryAfterMs > 0 && retryAfterMs <= 60_000)
  const both = await Promise.allSettled([1, 2].map(n => zoe.command('send_message', { chatId, content: `${n}` })))
  t.ok(both.every(({ status }) => status === 'rejected'))
  await send(parley, 'ann', chatId, 'one')
  await send(parley, 'ann', chatId, 'two')
})

t.test('who is banned neither hears nor speaks', async t => {
  const chatId = await makeStream()
  const zoe = await joined('zoe', chatId)
  await zoe.command('send_message', { chatId, content: 'bad words' })
  await rest('ann', 'POST', `/sessions/${chatId}/participants/zoe/ban`)
  t.match(await zoe.next('participant_left'), { chatId, data: { reason: 'banned', participants: [{ userId: 'zoe', state: 'BANNED' }] } })
  await zoe.soFar()
  await send(parley, 'ann', chatId, 'quiet now')
  t.strictSame(await soFar(zoe, chatId), [])
  await t.rejects(zoe.command('send_message', { chatId, content: 'more' }), { code: 'CHAT_NOT_FOUND' })
  await t.rejects(zoe.command('join_chat', { chatId }), { code: 'CHAT_NOT_FOUND' })
  await t.rejects(history(parley, 'zoe', chatId), { code: 'CHAT_NOT_FOUND' })
  await rest('ann', 'POST', `/sessions/${chatId}/participants/zoe/unban`)
  await zoe.command('join_chat', { chatId })
})

t.test('nobody is told of it who does not look: no sync, no list, no unread, no receipts', async t => {
  const chatId = await makeStream()
  await send(parley, 'zoe', chatId, 'hi')
  const before = await rest<{ inboxRevision: number }>('zoe', 'POST', '/sync', {})
  const max = await joined('max', chatId)
  await max.soFar()
  await send(parley, 'ann', chatId, 'news')
  await rest('zoe', 'POST', `/sessions/${chatId}/read`, {})
  await max.next('message_received')
  t.strictSame(await soFar(max, chatId, 'messages_read', 'messages_delivered'), [])
  t.match(await rest('max', 'GET', `/sessions/${chatId}/messages`), { watermarks: [] })
  t.strictSame((await rest<{ watermarks: { userId: string }[] }>('ann', 'GET', `/sessions/${chatId}/messages`)).watermarks.map(({ userId }) => userId), ['ann'], 'one knows one’s own')
  for (const userId of ['ann', 'zoe']) {
    const synced = await rest<{ heads: { chatId: string }[], memberships: { chatId: string }[], inboxRevision: number }>(userId, 'POST', '/sync', {})
    t.strictSame([...synced.heads, ...synced.memberships].filter(each => each.chatId === chatId), [])
    t.strictSame((await rest<{ data: ChatView[] }>(userId, 'GET', '/sessions')).data.filter(({ chat }) => chat.id === chatId), [])
    t.strictSame((await rest<{ chats: { chatId: string }[] }>(userId, 'GET', '/unread')).chats.filter(each => each.chatId === chatId), [])
  }
  t.equal((await rest<{ inboxRevision: number }>('zoe', 'POST', '/sync', {})).inboxRevision, before.inboxRevision)
})

t.test('whom I block says nothing to me', async t => {
  const chatId = await makeStream()
  await rest('zoe', 'PUT', '/blocks/max')
  const zoe = await joined('zoe', chatId)
  await send(parley, 'max', chatId, 'secret')
  t.match((await zoe.next('message_received')).data, { message: { senderId: 'max', content: null, fromBlocked: true } })
  t.match(await history(parley, 'zoe', chatId), [{ content: null, fromBlocked: true }] satisfies Partial<Message>[])
})

t.end()
