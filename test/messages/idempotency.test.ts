// A clientMessageId makes one message, however often and by whichever way it is sent.
import t from 'tap'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { history, makeDirect, makeGroup, sendAny } from '../helpers/world.ts'

const parley = await startParley(t)
const body = { content: 'hello', clientMessageId: 'key' }

t.test('a repeat is answered with the message that is there', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const socket = await signIn(t, parley, 'alice')
  const first = await sendAny(parley, 'alice', chatId, body)
  t.match(first, { duplicate: false, message: { seq: 1, clientMessageId: 'key' } })
  t.strictSame(await sendAny(parley, 'alice', chatId, body), { ...first, duplicate: true }, 'by REST')
  t.strictSame(await socket.command('send_message', { chatId, ...body }), { ...first, duplicate: true }, 'by WebSocket')
  t.strictSame(await sendAny(parley, 'alice', chatId.toUpperCase(), body), { ...first, duplicate: true }, 'whichever way the id is spelled')
  t.equal((await socket.soFar('message_received')).length, 1, 'and nobody is told again')
  t.equal((await history(parley, 'alice', chatId)).length, 1)
})

t.test('status codes', async t => {
  const chatId = await makeGroup(parley, 'alice')
  const post = () => parley.app.inject({ method: 'POST', url: `/api/v1/chat/sessions/${chatId}/messages`, headers: { authorization: `Bearer ${parley.token('alice')}` }, payload: body })
  t.equal((await post()).statusCode, 201)
  t.equal((await post()).statusCode, 200)
})

t.test('the same key with another request is a conflict', async t => {
  const chatId = await makeGroup(parley, 'alice')
  const { message } = await sendAny(parley, 'alice', chatId, { ...body, metadata: { a: 1 } })
  for (const other of [{ content: 'other' }, { metadata: {} }, { metadata: { a: 2 } }, { replyToId: message.id }]) {
    await t.rejects(sendAny(parley, 'alice', chatId, { ...body, metadata: { a: 1 }, ...other }), { code: 'MESSAGE_ID_CONFLICT', status: 409 }, JSON.stringify(other))
  }
  t.match(await sendAny(parley, 'alice', chatId, { ...body, metadata: { a: 1 } }), { duplicate: true }, 'the first one stands')
})

t.test('a repeat after the message was edited or deleted is answered with the message as it is now', async t => {
  const chatId = await makeGroup(parley, 'alice')
  const { message: { id } } = await sendAny(parley, 'alice', chatId, body)
  await request(parley, 'alice', 'PUT', `/messages/${id}`, { content: 'edited' })
  t.match(await sendAny(parley, 'alice', chatId, body), { duplicate: true, message: { id, content: 'edited' } })
  await t.rejects(sendAny(parley, 'alice', chatId, { ...body, content: 'edited' }), { code: 'MESSAGE_ID_CONFLICT' }, 'it is the original request that counts')
  await request(parley, 'alice', 'DELETE', `/messages/${id}?scope=everyone`)
  t.match(await sendAny(parley, 'alice', chatId, body), { duplicate: true, message: { id, content: null, deletedAt: String } })
})

t.test('a repeat is answered before rights are looked at', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const { message: { id } } = await sendAny(parley, 'bob', chatId, body)
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/bob`)
  t.match(await sendAny(parley, 'bob', chatId, body), { duplicate: true, message: { id } })
  await t.rejects(sendAny(parley, 'bob', chatId, { content: 'new' }), { code: 'CHAT_NOT_FOUND' })
})

t.test('keys are the sender’s own, and the chat’s', async t => {
  const [chatId, otherId] = [await makeGroup(parley, 'alice', ['bob']), await makeGroup(parley, 'alice')]
  for (const [userId, id] of [['alice', chatId], ['bob', chatId], ['alice', otherId]] as const) t.match(await sendAny(parley, userId, id, body), { duplicate: false })
})

t.test('without a key there is no repeat', async t => {
  const chatId = await makeGroup(parley, 'alice')
  const ids = await Promise.all([1, 2, 3].map(async () => (await sendAny(parley, 'alice', chatId, { content: 'same' })).message.clientMessageId))
  t.equal(new Set(ids).size, 3, 'the server has made three keys')
})

t.test('the same key at once, over many connections', async t => {
  const chatId = await makeGroup(parley, 'alice')
  const sockets = await Promise.all(Array.from({ length: 5 }, () => signIn(t, parley, 'alice')))
  const answers = await Promise.all(sockets.flatMap(socket => [
    socket.command('send_message', { chatId, ...body }), socket.command('send_message', { chatId, ...body }), sendAny(parley, 'alice', chatId, body),
  ]))
  t.equal(answers.filter(({ duplicate }) => !duplicate).length, 1)
  t.equal(new Set(answers.map(({ message }) => message.id)).size, 1)
  t.equal((await history(parley, 'alice', chatId)).length, 1)
})

t.test('to a person: the chat is made once, and the key holds', async t => {
  const toBob = { targetUserId: 'bob', ...body }
  const answers = await Promise.all(Array.from({ length: 10 }, () => request<{ message: { id: string, chatId: string } }>(parley, 'carol', 'POST', '/messages', toBob)))
  t.equal(new Set(answers.map(({ message }) => message.id)).size, 1)
  t.equal(answers[0]?.message.chatId, await makeDirect(parley, 'bob', 'carol'), 'it is the chat of the two')
  await t.rejects(request(parley, 'carol', 'POST', '/messages', { ...toBob, targetUserId: 'carol' }), { code: 'TARGET_IS_SELF' })
})

t.end()
