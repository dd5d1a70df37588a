// unread_message: who is told of what is new in chats that they do not look at, and how often.
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Notices, type NoticesOptions } from '../../src/notices/notices.ts'
import { noticesFor, type Addressee } from '../../src/notices/queries.ts'
import { MemoryBus } from '../../src/realtime/bus/memory.ts'
import { Hub } from '../../src/realtime/hub.ts'
import type { HubSource } from '../../src/realtime/source.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn, type Socket } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
let people = 0

/** A group of new people, and a socket of each. */
async function group (t: Test, size: number): Promise<{ chatId: string, ids: string[], sockets: Socket[] }> {
  const ids = Array.from({ length: size }, () => `user-${++people}`)
  const chatId = await makeGroup(parley, ids[0] as string, ids.slice(1))
  return { chatId, ids, sockets: await Promise.all(ids.map(userId => signIn(t, parley, userId))) }
}

const inChat = (chatId: string) => (event: { chatId?: string }) => event.chatId === chatId
/** What the server would tell this one now, of everything in the chat from a seq on. */
async function due (chatId: string, userId: string, fromSeq = 1): Promise<unknown[]> {
  const notices = await noticesFor(parley.app.db, [{ chatId, userId, fromSeq, sinceRevision: null }])
  return notices.map(({ data }) => JSON.parse(data).lastMessage.content)
}

t.test('members who do not look are told, with their counts; who looks or has written is not', async t => {
  const { chatId, ids: [ann, ben, cat], sockets: [first, second, third] } = await group(t, 3) as { chatId: string, ids: [string, string, string], sockets: [Socket, Socket, Socket] }
  const other = await makeDirect(parley, ann, ben)
  await send(parley, ann, other, 'elsewhere')
  await second.next('unread_message', inChat(other))
  await third.command('join_chat', { chatId })
  const message = await send(parley, ann, chatId, 'hello', { mentions: { userIds: [ben], all: false } })
  const { data, revision } = await second.next('unread_message', inChat(chatId))
  t.equal(revision, undefined)
  t.match(data, { unreadCount: 1, mentionCount: 1, totalUnread: 2, senderId: ann, lastMessage: { id: message.id, content: 'hello' } })
  for (const socket of [first, third]) t.strictSame(await socket.soFar('unread_message'), [])

  await third.command('leave_chat', { chatId })
  await send(parley, ann, chatId, 'and now')
  t.match((await third.next('unread_message')).data, { unreadCount: 2, lastMessage: { content: 'and now' } })
  t.match((await second.next('unread_message', inChat(chatId))).data, { unreadCount: 2, totalUnread: 3 })
  t.match(await request(parley, cat, 'GET', '/unread'), { totalUnread: 2 })
})

t.test('once a second: the first at once, the last at its end', async t => {
  const { chatId, ids: [ann], sockets: [, ben] } = await group(t, 2) as { chatId: string, ids: [string], sockets: [Socket, Socket] }
  for (let n = 1; n <= 20; n++) await send(parley, ann, chatId, `${n}`)
  const told: unknown[] = []
  do told.push((await ben.next('unread_message')).data.lastMessage.content); while (told.at(-1) !== '20')
  t.ok(told.length < 20, `${told.length} notices for 20 messages`)
})

t.test('whom it does not concern', async t => {
  const { chatId, ids } = await group(t, 4)
  const [ann, ben, cat, dan] = ids as [string, string, string, string]
  await request(parley, ben, 'PUT', `/blocks/${cat}`)
  await send(parley, ann, chatId, 'one')
  await send(parley, cat, chatId, 'two')
  t.strictSame(await due(chatId, ben), ['one'], 'nothing of somebody who is blocked')
  t.strictSame(await due(chatId, ben, 2), [])
  t.strictSame(await due(chatId, dan), ['two'])
  t.strictSame(await due(chatId, cat), ['one'], 'nothing of one’s own')

  const set = (settings: object) => request(parley, dan, 'PATCH', `/sessions/${chatId}/me`, settings)
  await set({ notifications: 'MENTIONS' })
  t.strictSame(await due(chatId, dan), [])
  await send(parley, ann, chatId, 'three', { mentions: { userIds: [dan], all: false } })
  await send(parley, ann, chatId, 'four')
  t.strictSame(await due(chatId, dan), ['three'], 'the newest that mentions them')
  await send(parley, ann, chatId, 'five', { mentions: { userIds: [], all: true } })
  t.strictSame(await due(chatId, dan), ['five'])
  await set({ notifications: 'NONE' })
  t.strictSame(await due(chatId, dan), [], 'not even that')
  await set({ notifications: 'ALL', mutedUntil: '2099-01-01T00:00:00.000Z' })
  t.strictSame(await due(chatId, dan), [])
  await set({ mutedUntil: null })

  await request(parley, ann, 'DELETE', `/messages/${chatId}.5?scope=everyone`)
  t.strictSame(await due(chatId, dan), ['four'], 'nothing that was deleted')
  await request(parley, dan, 'DELETE', `/messages/${chatId}.4?scope=me`)
  t.strictSame(await due(chatId, dan), ['three'], 'nor hidden')
  await request(parley, dan, 'POST', `/sessions/${chatId}/read`, { upToSeq: 3 })
  t.strictSame(await due(chatId, dan), [], 'nor read')
  await request(parley, ann, 'PATCH', `/sessions/${chatId}/participants/${ben}`, { label: 'VIP' })
  t.strictSame(await due(chatId, ben, 6), [], 'a SYSTEM message is no news')
  t.strictSame(await due(chatId, 'somebody else'), [])
  await request(parley, ann, 'POST', `/sessions/${chatId}/participants`, { userIds: ['late'] })
  t.strictSame(await due(chatId, 'late'), [], 'who has come later is not told of what was before')
})

t.test('nobody is told in a chat of more than 256, or of a request', async t => {
  const { chatId, ids } = await group(t, 2)
  const [ann, ben] = ids as [string, string]
  const sql = await connectSql(t, parley)
  await send(parley, ann, chatId, 'one')
  await sql.rows('UPDATE chat.chat_head SET member_count = 257 WHERE chat_id = $1', [chatId])
  t.strictSame(await due(chatId, ben), [])
  await sql.rows('UPDATE chat.chat_head SET member_count = 2 WHERE chat_id = $1', [chatId])
  t.strictSame(await due(chatId, ben), ['one'])
  await sql.rows("UPDATE chat.chat_session SET request_status = 'PENDING', requested_by_id = $2 WHERE id = $1", [chatId, ann])
  t.strictSame(await due(chatId, ben), [], 'from whom one has not accepted')
})

t.test('what an application sends by itself is told, too', async t => {
  const { chatId, ids: [ann], sockets: [, ben] } = await group(t, 2) as { chatId: string, ids: [string], sockets: [Socket, Socket] }
  const sql = await connectSql(t, parley)
  await sql.rows('SELECT FROM chat.send_messages($1::jsonb)', [JSON.stringify([{ chatId, senderId: ann, content: 'by SQL', clientMessageId: 'k', requestHash: 'h' }])])
  t.match((await ben.next('unread_message')).data, { unreadCount: 1, lastMessage: { content: 'by SQL' } })
})

/** Notices of a hub in which `here` follows many chats. */
async function manyChats (t: Test, count: number, options: Omit<NoticesOptions, 'hub' | 'log'>): Promise<{ chatIds: string[], message: (chatId: string, revision: number) => void }> {
  const chatIds = Array.from({ length: count }, (_, n) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`)
  const never = async (): Promise<never> => { throw new Error('not asked for here') }
  const source: HubSource = {
    loadUser: async () => ({ inboxRevision: 0, blocks: [], chats: chatIds.map(chatId => ({ chatId, bound: 0, lastRevision: 0, memberCount: 2 })) }),
    changesFor: never,
    inboxSince: never,
    heads: never,
    inboxes: never,
    epoch: never,
  }
  const log = pino({ level: 'silent' })
  const hub = new Hub(new MemoryBus(), source, log)
  const notices = new Notices({ hub, log, ...options })
  const alive = setInterval(() => {}, 1_000) // (the notices' timers keep no process alive)
  t.teardown(async () => { clearInterval(alive); await notices.close() })
  await hub.roster.connect({ id: 'here', userId: 'here', issuedAt: 0, send: () => {}, close: () => {} })
  const message = (chatId: string, revision: number) => hub.publish([{
    kind: 'chat', type: 'message_received', chatId, previousRevision: revision - 1, revision, data: '{"message":{}}', message: { seq: revision, senderId: 'there' },
  }])
  return { chatIds, message }
}

t.test('thousands of busy chats: one query at a time, nothing is asked twice, nothing forgotten', async t => {
  const asked: Addressee[][] = []
  let [underWay, most] = [0, 0]
  let done = () => {}
  const all = new Promise<void>(resolve => { done = resolve })
  const { chatIds, message } = await manyChats(t, 3_000, {
    batch: 400,
    everyMs: 60_000,
    read: async addressees => {
      most = Math.max(most, ++underWay)
      asked.push(addressees)
      await new Promise(resolve => setTimeout(resolve, 5))
      underWay--
      if (asked.flat().length >= 3_000) done()
      return []
    },
  })
  for (const chatId of chatIds) for (const revision of [1, 2, 3]) message(chatId, revision)
  await all
  t.equal(most, 1)
  t.ok(asked.length <= 10, `${asked.length} queries`)
  t.equal(new Set(asked.flat().map(({ chatId }) => chatId)).size, 3_000)
  t.ok(asked.flat().every(({ fromSeq, userId }) => fromSeq === 1 && userId === 'here'))
})

t.test('a query that fails is not the end', async t => {
  let calls = 0
  let done = () => {}
  const again = new Promise<void>(resolve => { done = resolve })
  const { chatIds, message } = await manyChats(t, 1, {
    everyMs: 10,
    read: async ([addressee]) => {
      if (++calls === 1) throw new Error('the database is away')
      t.equal(addressee?.fromSeq, 1, 'nor is what it was about forgotten')
      done()
      return []
    },
  })
  message(chatIds[0] as string, 1)
  await again
})

t.end()
