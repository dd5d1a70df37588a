import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
interface Blocks { data: { userId: string, blockedAt: string }[], users: Record<string, object>, nextCursor: null }
const blocksOf = (userId: string) => request<Blocks>(parley, userId, 'GET', '/blocks')

t.test('blocking somebody, once or twice', async t => {
  const phone = await signIn(t, parley, 'alice')
  await request(parley, 'bob', 'GET', '/me')
  for (let n = 0; n < 2; n++) t.strictSame(await request(parley, 'alice', 'PUT', '/blocks/bob'), { userId: 'bob', blocked: true })
  t.strictSame((await phone.soFar('inbox_updated')).map(({ data }) => (data as { blocks: string[] }).blocks), [['bob']], 'my devices are told, once')
  t.match(await blocksOf('alice'), { data: [{ userId: 'bob', blockedAt: String }], users: { bob: { id: 'bob' } }, nextCursor: null })
  t.strictSame((await blocksOf('bob')).data, [], 'it is nobody else’s')
  for (let n = 0; n < 2; n++) t.strictSame(await phone.command('unblock_user', { userId: 'bob' }), { userId: 'bob', blocked: false })
  t.strictSame((await phone.soFar('inbox_updated')).map(({ data }) => (data as { blocks: string[] }).blocks), [[]])
  t.strictSame((await blocksOf('alice')).data, [])
})

t.test('the other one of a DIRECT chat', async t => {
  const [chatId, groupId] = [await makeDirect(parley, 'carol', 'dave'), await makeGroup(parley, 'carol', ['dave'])]
  for (const [userId, other] of [['carol', 'dave'], ['dave', 'carol']] as const) {
    t.strictSame(await request(parley, userId, 'POST', `/sessions/${chatId}/block`), { userId: other, blocked: true })
    t.strictSame(await request(parley, userId, 'POST', `/sessions/${chatId}/unblock`), { userId: other, blocked: false })
  }
  await t.rejects(request(parley, 'carol', 'POST', `/sessions/${groupId}/block`), { code: 'VALIDATION_FAILED' })
  await t.rejects(request(parley, 'zoe', 'POST', `/sessions/${chatId}/block`), { code: 'CHAT_NOT_FOUND' })
  await t.rejects(request(parley, 'carol', 'PUT', '/blocks/carol'), { code: 'TARGET_IS_SELF' })
})

t.test('what is stored of somebody whom I block, I see without what it says, wherever I look', async t => {
  const chatId = await makeGroup(parley, 'erin', ['frank', 'grace'])
  const message = await send(parley, 'frank', chatId, 'secret', { metadata: { also: 'secret' } })
  await request(parley, 'frank', 'PUT', `/messages/${message.id}`, { content: 'secret, edited' })
  const reply = await send(parley, 'grace', chatId, 'an answer', { replyToId: message.id })
  await request(parley, 'erin', 'PUT', '/blocks/frank')
  const erin = await signIn(t, parley, 'erin')
  const views = {
    history: await request(parley, 'erin', 'GET', `/sessions/${chatId}/messages`),
    message: await request(parley, 'erin', 'GET', `/messages/${message.id}`),
    quoted: await request(parley, 'erin', 'GET', `/messages/${reply.id}`),
    changes: await request(parley, 'erin', 'GET', `/sessions/${chatId}/changes?since=0`),
    edits: await request(parley, 'erin', 'GET', `/messages/${message.id}/edits`),
    chat: await request(parley, 'erin', 'GET', `/sessions/${chatId}`),
    joined: await erin.command('join_chat', { chatId }),
  }
  for (const [name, view] of Object.entries(views)) t.notOk(JSON.stringify(view).includes('secret'), name)
  t.match(views.message, { message: { id: message.id, seq: 1, senderId: 'frank', content: null, metadata: {}, fromBlocked: true, editedAt: String } })
  t.match(views.quoted, { related: { [message.id]: { fromBlocked: true, content: null } } })
  t.match((await history(parley, 'grace', chatId))[0], { content: 'secret, edited', fromBlocked: undefined }, 'others see it')
  t.match((await history(parley, 'frank', chatId))[0], { content: 'secret, edited' }, 'as do they')
  await request(parley, 'erin', 'DELETE', '/blocks/frank')
  t.match((await history(parley, 'erin', chatId))[0], { content: 'secret, edited' })
})

t.test('a moderator who has blocked somebody can still delete what they say', async t => {
  const chatId = await makeGroup(parley, 'erin', ['hugo'])
  const { id } = await send(parley, 'hugo', chatId, 'secret')
  await request(parley, 'erin', 'PUT', '/blocks/hugo')
  const { message } = await request<{ message: Message }>(parley, 'erin', 'DELETE', `/messages/${id}?scope=everyone`)
  t.match(message, { content: null, deletedAt: String, deletedById: 'erin' })
  matchEach(t, await history(parley, 'hugo', chatId), [{ content: null, deletedById: 'erin' }])
})

t.test('a send and a block at the same time: whichever was first, holds', async t => {
  const chatId = await makeDirect(parley, 'ivan', 'jane')
  const sql = await connectSql(t, parley)
  await sql.rows('BEGIN')
  await sql.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR UPDATE', [chatId])
  const blocked = request(parley, 'jane', 'PUT', '/blocks/ivan')
  await sql.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())")
  const refused = t.rejects(send(parley, 'ivan', chatId, 'too late'), { code: 'CHAT_BLOCKED' })
  await sql.until("2 = (SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())")
  await sql.rows('COMMIT')
  await blocked
  await refused
  t.strictSame(await history(parley, 'ivan', chatId), [])
})

t.end()
