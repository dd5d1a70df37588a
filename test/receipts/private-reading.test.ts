// Reading without telling: my own counts and devices know, others see no more than that I have got it.
import t from 'tap'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { makeGroup, send } from '../helpers/world.ts'

interface Receipt { userId: string, status: string, deliveredAt: string | null, readAt: string | null }
interface Mark { readSeq: number, deliveredSeq: number, unreadCount: number, updated: boolean }

const parley = await startParley(t)
const mark = (userId: string, chatId: string, body: object = {}) => request<Mark>(parley, userId, 'POST', `/sessions/${chatId}/read`, body)
const receipts = async (viewer: string, messageId: string) => (await request<{ data: Receipt[] }>(parley, viewer, 'GET', `/messages/${messageId}/receipts`)).data
const privately = (userId: string, privateReading: boolean) => request(parley, userId, 'PATCH', '/me', { settings: { privateReading } })

/** What a viewer is told of a user's watermark, wherever watermarks are told. */
async function watermarks (viewer: string, chatId: string, userId: string): Promise<[delivered: number, read: number]> {
  const socket = await signIn(t, parley, viewer)
  const all = [
    (await request<{ watermarks: { userId: string, deliveredSeq: number, readSeq: number }[] }>(parley, viewer, 'GET', `/sessions/${chatId}/changes?since=0`)).watermarks,
    (await request<{ watermarks: { userId: string, deliveredSeq: number, readSeq: number }[] }>(parley, viewer, 'GET', `/sessions/${chatId}/messages?before=2147483647`)).watermarks,
    (await socket.command('join_chat', { chatId })).watermarks,
  ].map(each => each.find(watermark => watermark.userId === userId))
  await socket.close()
  t.strictSame(all, [all[0], all[0], all[0]], 'the same in changes, history and chat_joined')
  return [all[0]?.deliveredSeq ?? -1, all[0]?.readSeq ?? -1]
}

async function groupOf (...members: string[]): Promise<string> {
  const chatId = await makeGroup(parley, 'alice', members)
  for (const content of ['one', 'two', 'three']) await send(parley, 'alice', chatId, content)
  return chatId
}

t.test('others see that I have got it, my own devices that I have read it', async t => {
  const chatId = await groupOf('bob', 'carol')
  await privately('bob', true)
  const [alice, phone, desk] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob'), await signIn(t, parley, 'bob')]
  t.match(await phone.command('mark_as_read', { chatId }), { readSeq: 3, deliveredSeq: 3, unreadCount: 0, updated: true })
  for (const socket of [phone, desk]) t.match((await socket.next('messages_read')).data, { userId: 'bob', readSeq: 3 })
  t.match((await alice.next('messages_delivered')).data, { userId: 'bob', deliveredSeq: 3 })
  t.strictSame(await alice.soFar('messages_read', 'messages_delivered'), [])

  t.strictSame(await watermarks('alice', chatId, 'bob'), [3, 0])
  t.strictSame(await watermarks('bob', chatId, 'bob'), [3, 3])
  t.match(await receipts('alice', `${chatId}.2`), [{ userId: 'bob', status: 'delivered', deliveredAt: String, readAt: null }])
  t.match(await receipts('carol', `${chatId}.2`), [{ userId: 'bob', status: 'delivered', deliveredAt: String, readAt: null }])
  t.match(await receipts('bob', `${chatId}.2`), [{ userId: 'bob', status: 'read', readAt: null }], 'to myself I have read it')
  t.match(await request(parley, 'bob', 'GET', `/sessions/${chatId}/unread`), { unreadCount: 0 })
  t.match(await mark('bob', chatId), { updated: false })
})

t.test('writing does not tell either', async t => {
  const chatId = await groupOf('bob')
  await privately('bob', true)
  await mark('bob', chatId)
  const [alice, desk] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  const { message } = await desk.command('send_message', { chatId, content: 'four' })
  t.notOk('watermark' in (await alice.next('message_received')).data)
  t.match((await alice.next('messages_delivered')).data, { userId: 'bob', deliveredSeq: 4 })
  t.match((await desk.next('messages_read')).data, { userId: 'bob', readSeq: 4 })
  t.strictSame(await alice.soFar('messages_read'), [])
  t.strictSame(await watermarks('alice', chatId, 'bob'), [4, 0])
  t.strictSame(await watermarks('bob', chatId, 'bob'), [4, 4])
  t.equal(message.seq, 4)
})

t.test('turning it off reveals nothing; reading openly tells from then on', async t => {
  const chatId = await groupOf('bob')
  await privately('bob', false)
  await mark('bob', chatId, { upToSeq: 1 })
  await privately('bob', true)
  await mark('bob', chatId)
  await privately('bob', false)
  const alice = await signIn(t, parley, 'alice')
  t.strictSame(await watermarks('alice', chatId, 'bob'), [3, 1])
  t.match(await receipts('alice', `${chatId}.1`), [{ userId: 'bob', status: 'read', readAt: String }])
  t.match(await receipts('alice', `${chatId}.3`), [{ userId: 'bob', status: 'delivered', readAt: null }])
  await send(parley, 'bob', chatId, 'four')
  t.strictSame(await watermarks('alice', chatId, 'bob'), [4, 1], 'nor does writing')
  t.match((await alice.next('messages_delivered')).data, { userId: 'bob', deliveredSeq: 4 })

  await send(parley, 'alice', chatId, 'five')
  const before = Date.now()
  await mark('bob', chatId)
  t.match((await alice.next('messages_read')).data, { userId: 'bob', readSeq: 5 })
  t.strictSame(await watermarks('alice', chatId, 'bob'), [5, 5])
  const [third] = await receipts('alice', `${chatId}.3`)
  t.match(third, { status: 'read' })
  t.ok(Date.parse(String(third?.readAt)) >= before - 1, 'read when it was read openly')
})

t.test('what was read privately and is read again, openly, is told', async t => {
  const chatId = await groupOf('bob')
  await privately('bob', true)
  await mark('bob', chatId)
  await privately('bob', false)
  const alice = await signIn(t, parley, 'alice')
  t.match(await mark('bob', chatId, { upToSeq: 2 }), { readSeq: 3, updated: true })
  t.match((await alice.next('messages_read')).data, { userId: 'bob', readSeq: 2 })
  t.strictSame(await watermarks('alice', chatId, 'bob'), [3, 2])
  t.strictSame(await watermarks('bob', chatId, 'bob'), [3, 3])
  t.match(await mark('bob', chatId, { upToSeq: 2 }), { updated: false })
})

t.test('reading privately, too, takes "unread" off the chat', async t => {
  const chatId = await groupOf('bob')
  await privately('bob', true)
  await mark('bob', chatId)
  await request(parley, 'bob', 'PATCH', `/sessions/${chatId}/me`, { markedUnread: true })
  t.match(await request(parley, 'bob', 'GET', `/sessions/${chatId}`), { membership: { markedUnread: true } })
  await mark('bob', chatId)
  t.match(await request(parley, 'bob', 'GET', `/sessions/${chatId}`), { membership: { markedUnread: false } })
})

t.end()
