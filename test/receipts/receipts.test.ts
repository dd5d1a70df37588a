// Who has got and read a message, and what of it people who block each other see.
import t from 'tap'
import { messageStatus } from '../../src/client/message-status.ts'
import type { ChatState } from '../../src/client/state.ts'
import { request, startClient, until } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { makeGroup, send } from '../helpers/world.ts'

interface Receipt { userId: string, status: string, deliveredAt: string | null, readAt: string | null }

const parley = await startParley(t)
const mark = (kind: 'read' | 'delivered', userId: string, chatId: string, body: object = {}) => request(parley, userId, 'POST', `/sessions/${chatId}/${kind}`, body)
const page = (viewer: string, messageId: string, query = '') => request<{ data: Receipt[], nextCursor: string | null }>(parley, viewer, 'GET', `/messages/${messageId}/receipts${query}`)
const receipts = async (viewer: string, messageId: string) => (await page(viewer, messageId)).data
const names = (rows: { userId: string }[]) => rows.map(({ userId }) => userId)

t.test('when it was got, and when it was read', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol', 'dave'])
  for (const content of ['one', 'two']) await send(parley, 'alice', chatId, content)
  await mark('delivered', 'bob', chatId, { upToSeq: 1 })
  await mark('delivered', 'bob', chatId)
  await mark('read', 'carol', chatId)
  await mark('read', 'bob', chatId)
  const [first, second] = [await receipts('alice', `${chatId}.1`), await receipts('alice', `${chatId}.2`)]
  t.match(first, [{ userId: 'carol', status: 'read', deliveredAt: String, readAt: String }, { userId: 'bob', status: 'read', deliveredAt: String, readAt: String }], 'in the order of reading')
  t.equal(first[0]?.deliveredAt, first[0]?.readAt, 'what is read unannounced is got at the same time')
  t.ok(String(first[1]?.deliveredAt) < String(second[1]?.deliveredAt) && String(second[1]?.deliveredAt) < String(second[1]?.readAt), 'each delivery has its own time')
})

t.test('in pages', async t => {
  const others = Array.from({ length: 7 }, (_, n) => `reader ${n}`)
  const chatId = await makeGroup(parley, 'alice', others)
  await send(parley, 'alice', chatId, 'one')
  for (const userId of others.slice(0, 5)) await mark(userId === 'reader 2' ? 'delivered' : 'read', userId, chatId)
  const all = (await page('alice', `${chatId}.1`)).data
  t.strictSame(names(all), others.slice(0, 5))
  const paged: Receipt[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { data, nextCursor }: { data: Receipt[], nextCursor: string | null } = await page('alice', `${chatId}.1`, `?limit=2${cursor && `&cursor=${cursor}`}`)
    t.ok(data.length <= 2)
    paged.push(...data)
    cursor = nextCursor
  }
  t.strictSame(paged, all)
})

t.test('who is shown the whole history has not read it by joining', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'], { settings: { historyForNewMembers: 'ALL' } })
  await send(parley, 'alice', chatId, 'one')
  await mark('read', 'bob', chatId)
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['carol'] })
  await send(parley, 'alice', chatId, 'two')
  await mark('read', 'carol', chatId)
  t.strictSame(names(await receipts('alice', `${chatId}.1`)), ['bob'])
  t.strictSame(names(await receipts('alice', `${chatId}.3`)), ['carol'])
  await request(parley, 'bob', 'DELETE', `/sessions/${chatId}`)
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['bob'] })
  t.strictSame(names(await receipts('alice', `${chatId}.1`)), ['bob'], 'who has read it before they left has read it')
})

t.test('people who block each other see nothing of what the other gets and reads', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
  await send(parley, 'alice', chatId, 'one')
  await request(parley, 'bob', 'PUT', '/blocks/carol')
  const [alice, bob, carol] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob'), await signIn(t, parley, 'carol')]
  await mark('read', 'bob', chatId)
  await mark('delivered', 'carol', chatId)
  await mark('read', 'carol', chatId)
  t.strictSame((await alice.soFar('messages_read', 'messages_delivered')).map(({ type, data }) => [type, (data as Receipt).userId]), [['messages_read', 'bob'], ['messages_delivered', 'carol'], ['messages_read', 'carol']])
  t.strictSame((await bob.soFar('messages_read', 'messages_delivered')).map(({ data }) => (data as Receipt).userId), ['bob'])
  t.strictSame((await carol.soFar('messages_read', 'messages_delivered')).map(({ data }) => (data as Receipt).userId), ['carol', 'carol'])
  const seen = async (viewer: string) => names((await request<{ watermarks: Receipt[] }>(parley, viewer, 'GET', `/sessions/${chatId}/changes?since=0`)).watermarks)
  t.strictSame([await seen('alice'), await seen('bob'), await seen('carol')], [['alice', 'bob', 'carol'], ['alice', 'bob'], ['alice', 'carol']])
  t.strictSame([names(await receipts('alice', `${chatId}.1`)), names(await receipts('bob', `${chatId}.1`)), names(await receipts('carol', `${chatId}.1`))], [['bob', 'carol'], ['bob'], ['carol']])

  await send(parley, 'bob', chatId, 'two')
  t.notOk('watermark' in (await carol.next('message_received')).data, 'nor by writing')
  t.match((await alice.next('messages_read')).data, { userId: 'bob', readSeq: 2 }, 'of which others are told')
  await mark('read', 'carol', chatId)
  await send(parley, 'carol', chatId, 'three')
  t.match((await bob.next('message_received', ({ data }) => data.message.seq === 3)).data, { message: { fromBlocked: true }, watermark: undefined })
  t.match((await alice.next('message_received', ({ data }) => data.message.seq === 3)).data, { watermark: { userId: 'carol', readSeq: 3 } })

  await request(parley, 'bob', 'DELETE', '/blocks/carol')
  t.match((await bob.next('messages_read', event => event.chatId === chatId && event.data.userId === 'carol')).data, { readSeq: 3 }, 'who sees them again is told where they stand')
  t.match((await carol.next('messages_read', event => event.chatId === chatId && event.data.userId === 'bob')).data, { readSeq: 2 })
  t.strictSame([await seen('bob'), await seen('carol')], [['alice', 'bob', 'carol'], ['alice', 'bob', 'carol']])
})

t.test('the status of my message', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
  const client = await startClient(t, parley, 'alice')
  const { message } = await client.command('send_message', { chatId, content: 'one' })
  const is = (status: string) => until(client, ({ chats }) => {
    const chat = chats.get(chatId) as ChatState
    return messageStatus(chat, message) === status
  })
  await is('sent')
  await mark('delivered', 'bob', chatId)
  t.match(await request(parley, 'bob', 'GET', `/sessions/${chatId}/unread`), { unreadCount: 1 })
  await is('sent')
  await mark('read', 'carol', chatId)
  await is('delivered')
  await mark('read', 'bob', chatId)
  await is('read')
  const next = (await client.command('send_message', { chatId, content: 'two' })).message
  t.equal(messageStatus(client.state.chats.get(chatId) as ChatState, next), 'sent')
  t.equal(messageStatus({ ...client.state.chats.get(chatId) as ChatState, watermarks: new Map() }, message), 'sent', 'where no watermark is shown nothing is known')
})

t.end()
