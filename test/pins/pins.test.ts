import t from 'tap'
import type { CommandResult, Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const pin = async (userId: string, { id }: Message) => (await rest<{ message: Message }>(userId, 'POST', `/messages/${id}/pin`)).message
const unpin = async (userId: string, { id }: Message) => (await rest<{ message: Message }>(userId, 'DELETE', `/messages/${id}/pin`)).message
const page = (userId: string, chatId: string, query = '') => rest<CommandResult<'get_pins'>>(userId, 'GET', `/sessions/${chatId}/pins${query}`)
const pinned = async (userId: string, chatId: string) => (await page(userId, chatId)).data.map(({ content }) => content)

/** ann owns it, mod moderates. */
async function setup (...contents: string[]) {
  const chatId = await makeGroup(parley, 'ann', ['mod', 'ben', 'cat'])
  await rest('ann', 'PATCH', `/sessions/${chatId}/participants/mod`, { role: 'MODERATOR' })
  const messages: Message[] = []
  for (const content of contents) messages.push(await send(parley, 'ben', chatId, content))
  return { chatId, messages: messages as [Message, ...Message[]] }
}

t.test('in a group by MODERATOR and above, and everybody is told', async t => {
  const { chatId, messages: [message] } = await setup('one')
  const cat = await signIn(t, parley, 'cat')
  await t.rejects(pin('ben', message), { status: 403, code: 'ROLE_REQUIRED' })
  const { pinned: mark, revision } = await pin('mod', message)
  t.match(mark, { userId: 'mod', at: /Z$/ })
  t.match(await cat.next('message_pinned'), { chatId, revision, data: { message: { id: message.id, pinned: mark, content: 'one' } } })
  t.strictSame((await history(parley, 'cat', chatId)).at(-1)?.pinned, mark)
  await t.rejects(unpin('ben', message), { code: 'ROLE_REQUIRED' })
  t.equal((await unpin('ann', message)).pinned, null)
  t.match(await cat.next('message_unpinned'), { previousRevision: revision, data: { message: { pinned: null } } })
  t.strictSame(await pinned('cat', chatId), [])
})

t.test('in a DIRECT chat by either', async t => {
  const chatId = await makeDirect(parley, 'dan', 'eve')
  const message = await send(parley, 'dan', chatId, 'one')
  t.match((await pin('eve', message)).pinned, { userId: 'eve' })
  t.strictSame(await pinned('dan', chatId), ['one'])
  t.equal((await unpin('dan', message)).pinned, null)
})

t.test('twice is once: who was first stays', async t => {
  const { messages: [message] } = await setup('one')
  const first = await pin('mod', message)
  t.strictSame(await pin('ann', message), first)
  const off = await unpin('ann', message)
  t.strictSame(await unpin('mod', message), off)
})

t.test('newest pin first, in pages', async t => {
  const { chatId, messages } = await setup('one', 'two', 'three', 'four', 'five')
  const order = ['three', 'one', 'five', 'two', 'four']
  for (const content of order) await pin('ann', messages.find(message => message.content === content) as Message)
  const newestFirst = order.toReversed()
  t.strictSame(await pinned('cat', chatId), newestFirst)
  const seen: (string | null)[] = []
  for (let query = '?limit=2'; query !== '';) {
    const { data, nextCursor, users } = await page('cat', chatId, query)
    t.ok(data.length <= 2)
    t.match(users, { ben: { id: 'ben' } })
    seen.push(...data.map(({ content }) => content))
    query = nextCursor === null ? '' : `?limit=2&cursor=${nextCursor}`
  }
  t.strictSame(seen, newestFirst)
})

t.test('what a pinned message answers comes with it', async t => {
  const { chatId, messages: [message] } = await setup('question')
  await pin('ann', await send(parley, 'cat', chatId, 'answer', { replyToId: message.id }))
  t.match((await page('ben', chatId)).related, { [message.id]: { content: 'question' } })
})

t.test('only those that I may see', async t => {
  const { chatId, messages: [one, two, three] } = await setup('one', 'two', 'three') as { chatId: string, messages: [Message, Message, Message] }
  await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: ['lee'] })
  for (const message of [one, two, three]) await pin('mod', message)
  await rest('cat', 'DELETE', `/messages/${two.id}?scope=me`)
  t.strictSame(await pinned('cat', chatId), ['three', 'one'], 'not what I have hidden')
  t.strictSame(await pinned('lee', chatId), [], 'not what was before my time')
  await rest('cat', 'POST', `/sessions/${chatId}/clear`)
  t.strictSame(await pinned('cat', chatId), [], 'not what I have cleared')
  await rest('ann', 'PUT', '/blocks/ben')
  t.match((await page('ann', chatId)).data, [1, 2, 3].map(() => ({ content: null, fromBlocked: true })), 'redacted from somebody whom I block')
  t.match(await pin('ann', await send(parley, 'ben', chatId, 'four')), { content: null, fromBlocked: true, pinned: { userId: 'ann' } }, 'in the answer, too')
  await rest('ann', 'DELETE', '/blocks/ben')
  await t.rejects(page('zoe', chatId), { code: 'CHAT_NOT_FOUND' })
})

t.test('a message deleted for everyone is not pinned any more', async t => {
  const { chatId, messages: [message] } = await setup('one')
  await pin('ann', message)
  await rest('ben', 'DELETE', `/messages/${message.id}`)
  t.strictSame((await page('cat', chatId)).data, [])
  await t.rejects(pin('ann', message), { code: 'MESSAGE_DELETED' })
})

t.end()
