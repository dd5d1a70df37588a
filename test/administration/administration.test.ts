// What the application's server does: to users, chats, who is in them, and what is said there. Everybody's clients follow.
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { request, sameAsServer, startClient } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { callRoute, connect, signIn, type Input } from '../helpers/wire.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const KEY = 'the-key-of-the-applications-own-server'
// (no sweep mends what was not told)
const parley = await startParley(t, { SERVER_API_KEY: KEY, SWEEP_SECONDS: '3600', UNKNOWN_USERS: 'refuse' })
const admin = async (route: string, input: Input = {}) => {
  const { status, code, body } = await callRoute(parley, KEY, route, input)
  return { status, code, body: body as Input & { id: string, chat: { id: string }, message: Message, users: Input[], data: Message[], nextCursor: string | null } }
}
const seconds = () => Math.floor(Date.now() / 1000)

await admin('POST /admin/users', { users: ['ann', 'ben', 'cat', 'dan', 'eve'].map(id => ({ id })) })

t.test('users: created, changed, and the same again', async t => {
  t.match(await admin('PUT /admin/users/{userId}', { userId: 'fay', displayName: 'Fay', metadata: { plan: 'gold' } }), { status: 201, body: { id: 'fay', displayName: 'Fay', avatarUrl: null, metadata: { plan: 'gold' } } })
  t.match(await admin('PUT /admin/users/{userId}', { userId: 'fay', displayName: 'Fay' }), { status: 200 })
  await makeGroup(parley, 'fay', ['ben'])
  const [fay, ben] = [await startClient(t, parley, 'fay'), await signIn(parley, 'ben')]
  t.match(await admin('PUT /admin/users/{userId}', { userId: 'fay', avatarUrl: 'https://example.com/fay.png', metadata: { plan: 'none' } }), { status: 200, body: { displayName: 'Fay', metadata: { plan: 'none' } } })
  await ben.next(({ type, data }) => type === 'user_updated' && (data as { user: Input }).user.avatarUrl === 'https://example.com/fay.png')
  await sameAsServer(t, parley, 'fay', fay)
  t.match(fay.state.me, { metadata: { plan: 'none' }, avatarUrl: 'https://example.com/fay.png' })
  t.match(await admin('PUT /admin/users/{userId}', { userId: 'fay', metadata: { big: 'x'.repeat(9_000) } }), { code: 'VALIDATION_FAILED' })
  await ben.close()
})

t.test('many users at once', async t => {
  const users = Array.from({ length: 500 }, (_, n) => ({ id: `many-${n}`, displayName: `Number ${n}` }))
  t.match(await admin('POST /admin/users', { users }), { status: 200, body: { created: 500 } })
  t.match((await admin('POST /admin/users', { users })).body, { created: 0 })
  const { body } = await admin('POST /admin/users', { users: [{ id: 'many-7', displayName: 'Seven' }, { id: 'one-more' }, { id: 'many-7', displayName: 'The last word' }] })
  t.match(body, { created: 1, users: [{ id: 'many-7', displayName: 'The last word' }, { id: 'one-more', displayName: null }] })
  t.match(await admin('POST /admin/users', { users: [...users, { id: 'too-many' }] }), { code: 'VALIDATION_FAILED' })
})

t.test('a user\'s sockets are closed, and the tokens that they had are none any more', async t => {
  const old = parley.token('dan', { iat: seconds() - 10 })
  const wire = await connect(parley, { token: old })
  await wire.next(({ type }) => type === 'authenticated')
  t.match(await callRoute(parley, old, 'GET /me'), { status: 200 })
  t.match(await admin('POST /admin/users/{userId}/revoke', { userId: 'dan' }), { status: 200, body: { id: 'dan', tokensValidFrom: String } })
  t.match(await wire.closed, { code: 4401 })
  t.match(await callRoute(parley, old, 'GET /me'), { code: 'TOKEN_INVALID' }, 'at once: nobody remembers that it was let in')
  t.match(await callRoute(parley, parley.token('dan', { iat: seconds() + 2 }), 'GET /me'), { status: 200 }, 'a later one is')
})

t.test('chats: made for somebody, once, whoever is in it by now', async t => {
  const group = { createdById: 'ann', chat: { type: 'GROUP', name: 'Order 7', participantIds: ['ben'], externalRef: 'order-7' } }
  const [one, two] = await Promise.all([admin('POST /admin/sessions', group), admin('POST /admin/sessions', group)])
  t.strictSame([one?.status, two?.status].toSorted(), [200, 201])
  t.equal(one?.body.chat.id, two?.body.chat.id)
  t.match(one?.body, { chat: { createdById: 'ann', externalRef: 'order-7' }, deletedAt: null, head: { memberCount: 2 }, participants: [{ userId: 'ann', role: 'OWNER' }, { userId: 'ben' }] })
  await request(parley, 'ann', 'DELETE', `/sessions/${one?.body.chat.id}`)
  t.match(await admin('POST /admin/sessions', group), { status: 200, body: { chat: { id: one?.body.chat.id }, head: { memberCount: 1 } } }, 'also when its maker has left')
  const direct = { createdById: 'ann', chat: { type: 'DIRECT', targetUserId: 'ben' } }
  t.equal((await admin('POST /admin/sessions', direct)).body.chat.id, (await admin('POST /admin/sessions', { createdById: 'ben', chat: { type: 'DIRECT', targetUserId: 'ann' } })).body.chat.id)
  t.match(await admin('POST /admin/sessions', { createdById: 'nobody', chat: { ...group.chat, externalRef: 'order-8' } }), { code: 'USER_NOT_FOUND' })
})

t.test('who is in a chat, and what it is called: the clients of all follow', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  await request(parley, 'cat', 'PATCH', '/me', { settings: { groupInvites: 'ASK' } })
  await request(parley, 'cat', 'PUT', '/blocks/ann')
  const clients = { ann: await startClient(t, parley, 'ann'), ben: await startClient(t, parley, 'ben'), cat: await startClient(t, parley, 'cat') }
  const wire = await signIn(parley, 'ann')
  t.match(await admin('POST /admin/sessions/{chatId}/participants', { chatId, userIds: ['cat', 'ben', 'cat'], label: 'VIP' }), { status: 200, body: { participants: [{ userId: 'cat', label: 'VIP', state: 'JOINED' }], message: { type: 'SYSTEM', senderId: null, system: { actorId: null } } } })
  t.match(await wire.next(({ type }) => type === 'participant_joined'), { data: { actorId: null, participants: [{ userId: 'cat' }] } })
  t.match(await admin('PATCH /admin/sessions/{chatId}/participants/{userId}', { chatId, userId: 'ben', role: 'OWNER' }), { body: { participants: [{ userId: 'ben', role: 'OWNER' }] } })
  t.match(await admin('PATCH /admin/sessions/{chatId}', { chatId, name: 'Called by the server' }), { body: { chat: { name: 'Called by the server' } } })
  t.match(await admin('DELETE /admin/sessions/{chatId}/participants/{userId}', { chatId, userId: 'ann' }), { body: { participants: [{ userId: 'ann', state: 'REMOVED' }] } })
  t.match((await admin('GET /admin/sessions/{chatId}/participants', { chatId })).body.data, [{ userId: 'ben', role: 'OWNER' }, { userId: 'cat' }])
  for (const [userId, client] of Object.entries(clients)) await sameAsServer(t, parley, userId, client)
  t.match(await admin('DELETE /admin/sessions/{chatId}/participants/{userId}', { chatId, userId: 'ann' }), { code: 'USER_NOT_FOUND' })
  await request(parley, 'ben', 'POST', `/sessions/${chatId}/participants/cat/ban`)
  t.match(await admin('POST /admin/sessions/{chatId}/participants', { chatId, userIds: ['cat'] }), { body: { participants: [{ userId: 'cat', state: 'JOINED' }] } }, 'also who was banned from it')
  t.match(await admin('DELETE /admin/sessions/{chatId}', { chatId }), { status: 200 })
  t.match(await admin('GET /admin/sessions/{chatId}', { chatId }), { body: { deletedAt: String } })
  for (const [userId, client] of Object.entries(clients)) await sameAsServer(t, parley, userId, client)
  const direct = (await admin('POST /admin/sessions', { createdById: 'eve', chat: { type: 'DIRECT', targetUserId: 'ben' } })).body.chat.id
  t.match(await admin('POST /admin/sessions/{chatId}/participants', { chatId: direct, userIds: ['cat'] }), { code: 'ROLE_REQUIRED' })
  await wire.close()
})

t.test('messages: as somebody, as the system, each key once', async t => {
  const chatId = await makeGroup(parley, 'eve', ['ben'])
  const client = await startClient(t, parley, 'ben')
  const asEve = { chatId, senderId: 'eve', content: 'I am eve', clientMessageId: 'k1' }
  const first = await admin('POST /admin/sessions/{chatId}/messages', asEve)
  t.match(first, { status: 201, body: { duplicate: false, message: { senderId: 'eve', content: 'I am eve', type: 'TEXT' } } })
  t.match(await admin('POST /admin/sessions/{chatId}/messages', asEve), { status: 200, body: { duplicate: true, message: { id: first.body.message.id } } })
  t.match(await send(parley, 'eve', chatId, 'I am eve', { clientMessageId: 'k1' }), { id: first.body.message.id }, 'the key is eve\'s, whoever says it')
  t.match(await admin('POST /admin/sessions/{chatId}/messages', { ...asEve, content: 'other' }), { status: 409, code: 'MESSAGE_ID_CONFLICT' })

  const system = { chatId, senderId: null, content: 'Your order is on its way', kind: 'order.sent', data: { order: 7 }, clientMessageId: 'k1' }
  const notice = await admin('POST /admin/sessions/{chatId}/messages', system)
  t.match(notice, { status: 201, body: { message: { senderId: null, type: 'SYSTEM', content: 'Your order is on its way', system: { kind: 'order.sent', actorId: null, targetIds: [], data: { order: 7 } } } } })
  t.match(await admin('POST /admin/sessions/{chatId}/messages', system), { status: 200, body: { duplicate: true, message: { id: notice.body.message.id } } })
  t.match(await admin('POST /admin/sessions/{chatId}/messages', { ...system, data: { order: 8 } }), { status: 409 })
  t.match(await admin('POST /admin/sessions/{chatId}/messages', { chatId, senderId: null, replyToId: first.body.message.id }), { code: 'VALIDATION_FAILED' })
  t.match(await admin('POST /admin/sessions/{chatId}/messages', { chatId, content: 'by whom?' }), { code: 'VALIDATION_FAILED' })

  const direct = await admin('POST /admin/messages', { senderId: 'eve', targetUserId: 'ann', content: 'hello', clientMessageId: 'k2' })
  t.match(direct, { status: 201, body: { message: { senderId: 'eve' } } })
  t.match(await admin('POST /admin/messages', { senderId: 'eve', targetUserId: 'ann', content: 'hello', clientMessageId: 'k2' }), { status: 200, body: { message: { id: direct.body.message.id } } })
  await sameAsServer(t, parley, 'ben', client)
  t.strictSame((await history(parley, 'ben', chatId)).map(({ content }) => content), ['I am eve', 'Your order is on its way'])
})

t.test('any chat can be read, in pages, and nobody has read anything by it', async t => {
  const chatId = await makeGroup(parley, 'eve', ['ben'])
  for (let n = 1; n <= 5; n++) await send(parley, 'eve', chatId, `${n}`)
  const before = (await parley.app.db.pool.query('SELECT * FROM chat.chat_participant WHERE chat_id = $1 ORDER BY user_id', [chatId])).rows
  const page = await admin('GET /admin/sessions/{chatId}/messages', { chatId, limit: 2 })
  t.match(page.body, { data: [{ content: '4' }, { content: '5' }], users: { eve: { id: 'eve' } }, nextCursor: '4' })
  const older = await admin('GET /admin/sessions/{chatId}/messages', { chatId, limit: 3, before: page.body.nextCursor })
  t.strictSame(older.body.data.map(({ content }) => content), ['1', '2', '3'])
  t.equal(older.body.nextCursor, null)
  t.match((await admin('GET /admin/sessions/{chatId}/messages', { chatId, limit: 2, after: 1 })).body, { data: [{ content: '2' }, { content: '3' }], nextCursor: '3' })
  t.strictSame((await parley.app.db.pool.query('SELECT * FROM chat.chat_participant WHERE chat_id = $1 ORDER BY user_id', [chatId])).rows, before)
})

t.test('in the application\'s own transaction: with its roll-back there is neither row nor frame, with its commit both', async t => {
  const chatId = await makeGroup(parley, 'eve', ['ben'])
  const { pool } = parley.app.db
  await pool.query('CREATE TABLE IF NOT EXISTS shop_order (id integer PRIMARY KEY, customer text)')
  const wire = await signIn(parley, 'ben')
  const client = await pool.connect()
  const place = async (id: number, end: 'COMMIT' | 'ROLLBACK') => {
    await client.query('BEGIN')
    await client.query('INSERT INTO shop_order VALUES ($1, $2)', [id, 'eve'])
    const item = { chatId, senderId: 'eve', content: `order ${id}`, clientMessageId: `order-${id}`, requestHash: `order-${id}` }
    t.match((await client.query('SELECT status FROM chat.send_messages($1)', [JSON.stringify([item])])).rows, [{ status: 'created' }])
    await client.query(end)
  }
  await place(1, 'ROLLBACK')
  await place(2, 'COMMIT')
  client.release()
  await wire.next(({ type, data }) => ['message_received', 'changes'].includes(type) && JSON.stringify(data).includes('order 2'))
  for (let turn = 0; turn < 10; turn++) await setImmediate()
  t.notMatch(JSON.stringify(wire.frames), /order 1/, 'nobody hears of what was rolled back')
  t.strictSame((await pool.query('SELECT id FROM shop_order')).rows, [{ id: 2 }])
  t.strictSame((await history(parley, 'ben', chatId)).map(({ content, seq }) => [content, seq]), [['order 2', 1]], 'and its number is another\'s')
  await wire.close()
})

t.end()
