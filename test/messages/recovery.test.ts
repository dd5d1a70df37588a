// What was deleted for everyone: an administrator, or the application's server, sees it and can restore it for some days.
import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { request, sameAsServer, startClient } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { rest } from '../helpers/wire.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const SERVER_KEYS = ['the-old-key-of-the-applications-server', 'the-new-key-of-the-applications-server']
const parley = await startParley(t, { SERVER_API_KEY: SERVER_KEYS.join(), DELETED_CONTENT_DAYS: '30' })
const sql = await connectSql(t, parley)
const api = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const adminToken = parley.token('root', { role: 'admin' })
const admin = (method: string, path: string, token: string | null = adminToken) => rest(parley, method, `/api/v1/chat/admin${path}`, { token })
const remove = (userId: string, { id }: Message) => api<{ message: Message }>(userId, 'DELETE', `/messages/${id}`)

async function setup () {
  const chatId = await makeGroup(parley, 'ann', ['ben', 'cat'])
  return { chatId, message: await send(parley, 'ben', chatId, 'hello', { metadata: { color: 'red' } }) }
}

t.test('only administrators and the application\'s server come in', async t => {
  const { message: { id } } = await setup()
  for (const [method, path] of [['GET', `/messages/${id}`], ['POST', `/messages/${id}/restore`]] as const) {
    for (const token of [parley.token('ann'), parley.token('ann', { role: 'agent' }), parley.token('ann', { role: 'ADMIN' })]) t.match(await admin(method, path, token), { status: 403, code: 'ROLE_REQUIRED' }, path)
    t.match(await admin(method, path, null), { status: 401, code: 'TOKEN_MISSING' })
    for (const token of [`${SERVER_KEYS[0]}x`, SERVER_KEYS[0]?.slice(1), SERVER_KEYS.join()]) t.match(await admin(method, path, token), { status: 401, code: 'TOKEN_INVALID' })
    for (const token of [adminToken, ...SERVER_KEYS]) t.match(await admin(method, path, token), { status: 200, body: { message: { id } } })
  }
})

t.test('the server\'s key is for /admin alone: elsewhere it is nobody', async t => {
  const { chatId } = await setup()
  for (const path of ['/me', '/sessions', `/sessions/${chatId}/messages`, '/nothing', '/admin']) {
    const { code } = await rest(parley, 'GET', `/api/v1/chat${path}`, { token: SERVER_KEYS[0] ?? '' })
    t.equal(code, path === '/nothing' || path === '/admin' ? 'ROUTE_NOT_FOUND' : 'TOKEN_INVALID', path)
  }
  t.equal((await rest(parley, 'GET', '/api/v1/chat/admin/nothing', { token: SERVER_KEYS[0] ?? '' })).code, 'ROUTE_NOT_FOUND')
})

t.test('a deleted message: what it said, by whom and when it was deleted', async t => {
  const { message } = await setup()
  await api('ben', 'PATCH', `/messages/${message.id}`, { content: 'hello all' })
  t.match((await admin('GET', `/messages/${message.id}`)).body, { message: { content: 'hello all' }, deleted: null, versions: [{ version: 1, content: 'hello' }] })
  await remove('ann', message)
  const { body } = await admin('GET', `/messages/${message.id}`)
  t.match(body, {
    message: { content: null, deletedById: 'ann', senderId: 'ben' },
    deleted: { content: 'hello all', metadata: { color: 'red' }, mentions: { userIds: [], all: false }, forwardedFrom: null },
    versions: [{ version: 1, content: 'hello' }, { version: 2, content: 'hello all' }],
    users: { ann: { id: 'ann' }, ben: { id: 'ben' } },
  })
  const { message: { deletedAt }, deleted: { restorableUntil } } = body as unknown as { message: { deletedAt: string }, deleted: { restorableUntil: string } }
  t.equal(Date.parse(restorableUntil) - Date.parse(deletedAt), 30 * 86_400_000)
  t.strictSame((await api<{ data: unknown[] }>('ben', 'GET', `/messages/${message.id}/edits`)).data, [], 'members see nothing of it')
})

t.test('restored, it says what it said, and everybody is told', async t => {
  const { chatId, message } = await setup()
  const cat = await signIn(t, parley, 'cat')
  const store = await startClient(t, parley, 'cat')
  await api('ben', 'PATCH', `/messages/${message.id}`, { content: 'hello all' })
  await api('cat', 'POST', `/messages/${message.id}/reactions`, { emoji: '👍' })
  await remove('ben', message)
  const { body: { message: restored } } = await admin('POST', `/messages/${message.id}/restore`) as unknown as { body: { message: Message } }
  t.match(restored, { content: 'hello all', metadata: { color: 'red' }, deletedAt: null, deletedById: null, reactions: [], pinned: null })
  t.not(restored.editedAt, null, 'it had been edited')
  const edited = (await cat.soFar('message_edited')).at(-1)
  t.strictSame(edited?.data, { message: restored })
  t.equal(edited?.revision, restored.revision)
  t.strictSame((await history(parley, 'cat', chatId)).at(-1), restored)
  await sameAsServer(t, parley, 'cat', store)
  t.match((await api<{ data: unknown[] }>('ben', 'GET', `/messages/${message.id}/edits`)).data, [{ version: 1, content: 'hello' }])

  t.strictSame((await admin('POST', `/messages/${message.id}/restore`)).body, { message: restored }, 'once more: nothing changes')
  t.strictSame(await cat.soFar('message_edited'), [])
  await api('ben', 'PATCH', `/messages/${message.id}`, { content: 'and again' })
  await remove('ben', message)
  t.match((await admin('GET', `/messages/${message.id}`)).body, { deleted: { content: 'and again' }, versions: [{ version: 1 }, { version: 2, content: 'hello all' }, { version: 3 }] })
})

t.test('a restored message is unread again where it was, and stays hidden from who has deleted it for themselves', async t => {
  const { chatId, message } = await setup()
  const unread = async (userId: string) => (await api<{ unreadCount: number }>(userId, 'GET', `/sessions/${chatId}/unread`)).unreadCount
  await api('cat', 'DELETE', `/messages/${message.id}?scope=me`)
  await remove('ben', message)
  t.strictSame([await unread('ann'), await unread('cat')], [0, 0])
  await admin('POST', `/messages/${message.id}/restore`)
  t.strictSame([await unread('ann'), await unread('cat')], [1, 0])
  t.notOk((await history(parley, 'cat', chatId)).some(({ id }) => id === message.id))
})

t.test('a forwarded message has its origin again', async t => {
  const { chatId, message } = await setup()
  const { messages: [forwarded] } = await api<{ messages: Message[] }>('ann', 'POST', `/messages/${message.id}/forward`, { chatIds: [chatId] })
  if (!forwarded) throw new Error('Nothing was forwarded')
  t.equal((await remove('ann', forwarded)).message.forwardedFrom, null)
  t.strictSame(((await admin('POST', `/messages/${forwarded.id}/restore`)).body.message as Message).forwardedFrom, forwarded.forwardedFrom)
})

t.test('not for ever', async t => {
  const { message } = await setup()
  await remove('ben', message)
  const deletedFor = (age: string) => sql.rows('UPDATE chat.chat_message SET deleted_at = now() - $2::interval WHERE chat_id = $1 AND deleted_at IS NOT NULL', [message.chatId, age])
  await deletedFor('30 days')
  t.match((await admin('GET', `/messages/${message.id}`)).body, { message: { content: null }, deleted: null, versions: [] })
  t.match(await admin('POST', `/messages/${message.id}/restore`), { status: 409, code: 'MESSAGE_DELETED' })
  await deletedFor('29 days')
  t.match(await admin('POST', `/messages/${message.id}/restore`), { status: 200, body: { message: { content: 'hello' } } })
})

t.test('what is not there cannot be restored', async t => {
  const { chatId, message } = await setup()
  await remove('ben', message)
  await api('ann', 'DELETE', `/sessions/${chatId}?scope=everyone`)
  for (const id of [`${chatId}.99`, '00000000-0000-7000-8000-000000000000.1']) {
    t.match(await admin('GET', `/messages/${id}`), { code: 'MESSAGE_NOT_FOUND' })
    t.match(await admin('POST', `/messages/${id}/restore`), { code: 'MESSAGE_NOT_FOUND' })
  }
  t.match((await admin('GET', `/messages/${message.id}`)).body, { deleted: { content: 'hello' } }, 'of a deleted chat it can still be looked at')
  t.match(await admin('POST', `/messages/${message.id}/restore`), { code: 'MESSAGE_NOT_FOUND' })
})

t.end()
