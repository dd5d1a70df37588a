// Mentions: of people and of all; how they are counted.
import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const NONE = { userIds: [], all: false }
let groups = 0

/** ann owns the group. */
async function setup () {
  const [ann, ben, cat] = ['ann', 'ben', 'cat'].map(name => `${name}${++groups}`) as [string, string, string]
  const chatId = await makeGroup(parley, ann, [ben, cat])
  const mention = (userId: string, mentions: object) => send(parley, userId, chatId, 'hey', { mentions })
  const edit = async (userId: string, { id }: Message, body: object) => (await rest<{ message: Message }>(userId, 'PATCH', `/messages/${id}`, body)).message
  const count = async (userId = ben) => (await rest<{ mentionCount: number }>(userId, 'GET', `/sessions/${chatId}/unread`)).mentionCount
  const totals = (userId = ben) => rest<{ totalUnread: number, totalMentions: number }>(userId, 'GET', '/unread')
  return { ann, ben, cat, chatId, mention, edit, count, totals }
}

t.test('people are mentioned once each, and only those who are in the chat', async t => {
  const { ann, ben, cat, chatId, mention } = await setup()
  await rest(ann, 'DELETE', `/sessions/${chatId}/participants/${cat}`)
  t.strictSame((await mention(ann, { userIds: [ben, 'nobody', cat, ben] })).mentions, { userIds: [ben], all: false })
  t.strictSame((await mention(ann, { userIds: ['nobody'] })).mentions, NONE)
  t.strictSame((await mention(ann, {})).mentions, NONE)
  await t.rejects(mention(ann, { userIds: Array.from({ length: 51 }, (_, n) => `user${n}`) }), { code: 'VALIDATION_FAILED' })
  t.strictSame((await mention(ann, { userIds: [...Array.from({ length: 49 }, (_, n) => `user${n}`), ben] })).mentions.userIds, [ben])
})

t.test('all are mentioned by who keeps order; in a DIRECT chat by either', async t => {
  const { ann, ben, chatId, mention } = await setup()
  await t.rejects(mention(ben, { all: true }), { code: 'ROLE_REQUIRED' })
  await rest(ann, 'PATCH', `/sessions/${chatId}/participants/${ben}`, { role: 'MODERATOR' })
  for (const userId of [ann, ben]) t.strictSame((await mention(userId, { all: true })).mentions, { userIds: [], all: true })
  t.strictSame((await send(parley, ben, await makeDirect(parley, ann, ben), 'hey', { mentions: { all: true } })).mentions, { userIds: [], all: true })
})

t.test('counted where they are unread, in every place that counts', async t => {
  const { ann, ben, cat, chatId, mention, count, totals } = await setup()
  await send(parley, ann, chatId, 'nobody')
  const first = await mention(ann, { userIds: [ben] })
  await mention(ann, { userIds: [cat] })
  await mention(ann, { userIds: [ben], all: true })
  await mention(cat, { userIds: [ben, cat] })
  t.strictSame([await count(ben), await count(cat), await count(ann)], [3, 2, 0], 'one that mentions me twice counts once, my own not at all')
  t.match(await totals(), { totalUnread: 5, totalMentions: 3, chats: [{ unreadCount: 5, mentionCount: 3 }] })
  const { heads: [head] } = await rest<{ heads: object[] }>(ben, 'POST', '/sync', {})
  t.match(head, { unreadCount: 5, mentionCount: 3 })
  t.match(await rest(ben, 'GET', `/sessions/${chatId}`), { head: { mentionCount: 3 } })
  t.match(await rest(ben, 'POST', `/sessions/${chatId}/delivered`, {}), { unreadCount: 5, mentionCount: 3 })
  t.match(await rest(ben, 'POST', `/sessions/${chatId}/read`, { upToSeq: first.seq }), { unreadCount: 3, mentionCount: 2 })
  t.match(await rest(ben, 'POST', `/sessions/${chatId}/read`, {}), { unreadCount: 0, mentionCount: 0 })
  t.match(await totals(), { totalMentions: 0, chats: [] })
})

t.test('not of the deleted, the hidden, the blocked, nor what is out of sight; again when that is undone', async t => {
  const { ann, ben, cat, chatId, mention, count } = await setup()
  const [one, two] = [await mention(ann, { userIds: [ben] }), await mention(ann, { all: true })]
  await mention(cat, { userIds: [ben] })
  t.equal(await count(), 3)
  const deleted = await rest<{ message: Message }>(ann, 'DELETE', `/messages/${one.id}`)
  t.strictSame(deleted.message.mentions, NONE)
  t.equal(await count(), 2)
  await rest(ben, 'DELETE', `/messages/${two.id}?scope=me`)
  t.equal(await count(), 1)
  await rest(ben, 'PUT', `/blocks/${cat}`)
  t.equal(await count(), 0)
  await rest(ben, 'DELETE', `/blocks/${cat}`)
  const restored = await fetch(`${parley.url}/api/v1/chat/admin/messages/${one.id}/restore`, { method: 'POST', headers: { authorization: `Bearer ${parley.token('root', { role: 'admin' })}` } })
  t.match(await restored.json(), { message: { mentions: { userIds: [ben] } } })
  t.equal(await count(), 2)
  await rest(ben, 'POST', `/sessions/${chatId}/clear`)
  t.equal(await count(), 0)
})

t.test('in the total: not in muted chats, but in those where only mentions are to be told', async t => {
  const { ann, ben, chatId, mention, count, totals } = await setup()
  await mention(ann, { userIds: [ben] })
  await rest(ben, 'PATCH', `/sessions/${chatId}/me`, { notifications: 'MENTIONS' })
  t.match(await totals(), { totalMentions: 1 })
  await rest(ben, 'PATCH', `/sessions/${chatId}/me`, { mutedUntil: '2099-01-01T00:00:00.000Z' })
  t.strictSame([(await totals()).totalMentions, await count()], [0, 1])
})

t.test('an edit keeps them, changes them, or takes them away', async t => {
  const { ann, ben, cat, mention, edit, count } = await setup()
  const message = await mention(ann, { userIds: [ben] })
  const watching = await signIn(t, parley, cat)
  t.strictSame((await edit(ann, message, { content: 'hey you' })).mentions, { userIds: [ben], all: false })
  t.equal(await count(ben), 1)
  const changed = await edit(ann, message, { content: 'hey you', mentions: { userIds: [cat, 'nobody'] } })
  t.strictSame(changed.mentions, { userIds: [cat], all: false })
  t.strictSame([await count(ben), await count(cat)], [0, 1])
  t.equal((await edit(ann, message, { content: 'hey you', mentions: { userIds: [cat] } })).revision, changed.revision, 'the same again changes nothing')
  await edit(ann, message, { content: 'hey all', mentions: { userIds: [cat], all: true } })
  t.strictSame([await count(ben), await count(cat)], [1, 1])
  t.strictSame((await edit(ann, message, { content: 'hey', mentions: {} })).mentions, NONE)
  t.strictSame([await count(ben), await count(cat)], [0, 0])
  t.strictSame((await watching.soFar('message_edited')).map(({ data }) => (data as { message: Message }).message.mentions), [
    { userIds: [ben], all: false }, { userIds: [cat], all: false }, { userIds: [cat], all: true }, NONE,
  ])
})

t.test('all cannot be mentioned by an edit of somebody who may not; but they need not take it back', async t => {
  const { ann, ben, chatId, mention, edit } = await setup()
  const mine = await mention(ben, { userIds: [ann] })
  await t.rejects(edit(ben, mine, { content: 'hey', mentions: { all: true } }), { code: 'ROLE_REQUIRED' })
  await rest(ann, 'PATCH', `/sessions/${chatId}/participants/${ben}`, { role: 'MODERATOR' })
  await edit(ben, mine, { content: 'hey', mentions: { all: true } })
  await rest(ann, 'PATCH', `/sessions/${chatId}/participants/${ben}`, { role: 'MEMBER' })
  t.strictSame((await edit(ben, mine, { content: 'hey there', mentions: { userIds: [ann], all: true } })).mentions, { userIds: [ann], all: true })
})

t.test('those of somebody whom one blocks are not seen', async t => {
  const { ann, ben, chatId, mention } = await setup()
  await rest(ben, 'PUT', `/blocks/${ann}`)
  const watching = await signIn(t, parley, ben)
  await mention(ann, { userIds: [ben], all: true })
  const [seen] = await history(parley, ben, chatId)
  t.match(seen, { mentions: NONE, content: null, fromBlocked: true })
  t.match((await watching.next('message_received')).data, { message: seen })
})

t.test('with another mention the same key is another request', async t => {
  const { ann, ben, cat, chatId } = await setup()
  const once = (mentions?: object) => send(parley, ann, chatId, 'hey', { clientMessageId: 'once', ...(mentions && { mentions }) })
  const { id } = await once({ userIds: [ben] })
  t.equal((await once({ userIds: [ben, ben] })).id, id)
  await t.rejects(once({ userIds: [cat] }), { code: 'MESSAGE_ID_CONFLICT' })
  await t.rejects(once(), { code: 'MESSAGE_ID_CONFLICT' })
})

t.end()
