import t from 'tap'
import type { CommandResult, Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const forward = (userId: string, { id }: Message, chatIds: string[], more: object = {}) => rest<CommandResult<'forward_message'>>(userId, 'POST', `/messages/${id}/forward`, { chatIds, ...more })
const newest = async (userId: string, chatId: string) => (await history(parley, userId, chatId)).at(-1) as Message
const absent = '00000000-0000-7000-8000-000000000000'

/** ann has written to ben in `from`; ben has two more chats with cat. */
async function setup () {
  const [from, one, two] = [await makeGroup(parley, 'ann', ['ben', 'cat']), await makeGroup(parley, 'ben', ['cat']), await makeGroup(parley, 'cat', ['ben'])]
  const message = await send(parley, 'ann', from, 'news', { metadata: { private: true } })
  return { from, one, two, message, origin: { senderId: 'ann', createdAt: message.createdAt } }
}

t.test('to many chats: a message of its own in each, in their order', async t => {
  const { one, two, message, origin } = await setup()
  const cat = await signIn(t, parley, 'cat')
  const { messages, failed } = await forward('ben', message, [two, one])
  t.strictSame(failed, [])
  t.match(messages, [two, one].map(chatId => ({
    chatId, seq: 1, senderId: 'ben', type: 'TEXT', content: 'news', metadata: {}, forwardedFrom: origin, replyTo: null, reactions: [], editedAt: null,
  })))
  for (const [index, chatId] of [two, one].entries()) {
    t.strictSame(await newest('cat', chatId), messages[index])
    t.strictSame((await cat.next('message_received', event => event.chatId === chatId)).data.message, messages[index])
  }
  t.notOk(JSON.stringify(messages).includes(message.id), 'nothing leads back to the chat that it is from')
})

t.test('where both rights exist: the others are named with the reason', async t => {
  const { from, one, message } = await setup()
  const [hers, quiet, blocked, silent] = [
    await makeGroup(parley, 'cat', []), await makeGroup(parley, 'cat', ['ben'], { settings: { whoMaySend: 'ADMIN' } }), await makeDirect(parley, 'ben', 'dan'), await makeGroup(parley, 'cat', ['ben']),
  ]
  await rest('dan', 'PUT', '/blocks/ben')
  await rest('cat', 'POST', `/sessions/${silent}/participants/ben/silence`, { seconds: 600 })
  const { messages, failed } = await forward('ben', message, [hers, one, quiet, blocked, absent, silent, from])
  t.match(messages, [{ chatId: one, content: 'news' }, { chatId: from, content: 'news' }])
  t.strictSame(failed, [[hers, 'CHAT_NOT_FOUND'], [quiet, 'CHAT_READ_ONLY'], [blocked, 'CHAT_BLOCKED'], [absent, 'CHAT_NOT_FOUND'], [silent, 'SILENCED']].map(([chatId, code]) => ({ chatId, code })))
  t.strictSame(await history(parley, 'cat', quiet), [])
  await t.rejects(forward('zoe', message, [one]), { status: 404, code: 'MESSAGE_NOT_FOUND' })
})

t.test('the origin stays over two forwards', async t => {
  const { one, two, message, origin } = await setup()
  const { messages: [first] } = await forward('ben', message, [one])
  const { messages: [second] } = await forward('cat', first as Message, [two])
  t.match(second, { senderId: 'cat', content: 'news', forwardedFrom: origin })
})

t.test('with the same key: once', async t => {
  const { one, two, message } = await setup()
  const first = await forward('ben', message, [one], { clientMessageId: 'key' })
  t.equal(first.messages[0]?.clientMessageId, 'key')
  t.strictSame(await forward('ben', message, [one], { clientMessageId: 'key' }), first)
  const more = await forward('ben', message, [one, two], { clientMessageId: 'key' })
  t.strictSame(more.messages[0], first.messages[0])
  t.equal(more.messages[1]?.chatId, two, 'what had failed is made up for')
  const [again] = (await Promise.all([1, 2, 3].map(() => forward('ben', message, [one, two], { clientMessageId: 'key' }))))
  t.strictSame(again, more)
  t.equal((await history(parley, 'cat', one)).length, 1)
  const other = await send(parley, 'ann', message.chatId, 'other news')
  t.strictSame(await forward('ben', other, [one], { clientMessageId: 'key' }), { messages: [], failed: [{ chatId: one, code: 'MESSAGE_ID_CONFLICT' }] })
  await forward('ben', message, [one])
  await forward('ben', message, [one])
  t.equal((await history(parley, 'cat', one)).length, 3, 'without a key each is new')
})

t.test('not what is deleted, hidden, of somebody whom I block, or SYSTEM', async t => {
  const { from, one, message } = await setup()
  await rest('ben', 'PUT', '/blocks/ann')
  await t.rejects(forward('ben', message, [one]), { code: 'MESSAGE_NOT_FOUND' })
  await rest('ben', 'DELETE', '/blocks/ann')
  await rest('ben', 'DELETE', `/messages/${message.id}?scope=me`)
  await t.rejects(forward('ben', message, [one]), { code: 'MESSAGE_NOT_FOUND' })
  await rest('ann', 'DELETE', `/messages/${message.id}`)
  await t.rejects(forward('cat', message, [from]), { status: 409, code: 'MESSAGE_DELETED' })
  await rest('ann', 'PATCH', `/sessions/${from}/participants/ben`, { label: 'VIP' })
  await t.rejects(forward('ben', await newest('ben', from), [one]), { code: 'MESSAGE_NOT_FOUND' })
  t.strictSame(await history(parley, 'cat', one), [])
})

t.test('what becomes of the original does not change it', async t => {
  const { one, message, origin } = await setup()
  const { messages: [copy] } = await forward('ben', message, [one])
  await rest('ann', 'PUT', `/messages/${message.id}`, { content: 'corrected' })
  await rest('ann', 'POST', `/messages/${message.id}/reactions`, { emoji: '👍' })
  await rest('ann', 'DELETE', `/messages/${message.id}`)
  t.strictSame(await newest('cat', one), copy)
  t.match(copy, { content: 'news', forwardedFrom: origin })
  const { message: deleted } = await rest<{ message: Message }>('ben', 'DELETE', `/messages/${copy?.id}`)
  t.match(deleted, { content: null, forwardedFrom: null }, 'deleted, it says nothing of it either')
})

t.test('it counts as any message: unread, and by slow mode', async t => {
  const { two, message } = await setup()
  await forward('ben', message, [two])
  t.match(await rest('cat', 'GET', `/sessions/${two}/unread`), { unreadCount: 1 })
  await rest('cat', 'PATCH', `/sessions/${two}`, { settings: { slowModeSeconds: 3600 } })
  t.strictSame((await forward('ben', message, [two])).failed, [{ chatId: two, code: 'SLOW_MODE' }])
})

t.end()
