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

t.test('a send in a chat that was made while somebody blocked: the block waits for it, too', async t => {
  const chatId = await makeDirect(parley, 'olaf', 'pia')
  const [inbox, chat] = [await connectSql(t, parley), await connectSql(t, parley)]
  const pairAs = (low: string) => chat.rows('UPDATE chat.chat_session SET direct_low = $2 WHERE id = $1', [chatId, low])
  const waiting = (count: number) => chat.until(`${count} = (SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database())`)
  await pairAs('nobody') // as if it was not there yet
  await inbox.rows('BEGIN')
  await inbox.rows("SELECT FROM chat.user_inbox WHERE user_id = 'pia' FOR UPDATE")
  const blocked = request(parley, 'pia', 'PUT', '/blocks/olaf').then(() => 'blocked')
  await waiting(1)
  await pairAs('olaf')
  await chat.rows('BEGIN')
  await chat.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR UPDATE', [chatId]) // a send that has found nobody blocked
  await inbox.rows('COMMIT')
  t.equal(await Promise.race([blocked, inbox.until("EXISTS (SELECT FROM pg_stat_activity a WHERE a.wait_event_type = 'Lock' AND a.query LIKE '%chat_head%' AND a.datname = current_database())").then(() => 'waits')]), 'waits')
  await chat.rows('COMMIT')
  t.equal(await blocked, 'blocked')
})

t.test('a send and a block at the same time, many times: after the block nothing comes, and what was acknowledged is there', async t => {
  const outcomes = { sent: 0, refused: 0 }
  for (let round = 0; round < 25; round++) {
    const [from, to] = [`kim${round}`, `lou${round}`]
    // Every other time the chat is only being made.
    const chatId = round % 2 === 0 ? await makeDirect(parley, from, to) : undefined
    const write = (n: number) => chatId === undefined
      ? request<{ message: Message }>(parley, from, 'POST', '/messages', { targetUserId: to, content: `${n}` })
      : request<{ message: Message }>(parley, from, 'POST', `/sessions/${chatId}/messages`, { content: `${n}` })
    const writes = Array.from({ length: 4 }, (_, n) => write(n))
    const blocked = request(parley, to, 'PUT', `/blocks/${from}`).then(() => Promise.allSettled([write(4), write(5)]))
    const [sends, late] = await Promise.all([Promise.allSettled(writes), blocked])
    for (const outcome of late) t.match(outcome, { status: 'rejected', reason: { code: 'CHAT_BLOCKED' } }, 'after the block')
    const acknowledged = sends.flatMap(outcome => outcome.status === 'fulfilled' ? outcome.value.message : [])
    for (const outcome of sends) if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'CHAT_BLOCKED' })
    outcomes.sent += acknowledged.length
    outcomes.refused += sends.length - acknowledged.length
    const id = chatId ?? acknowledged[0]?.chatId
    if (id === undefined) continue
    const seen = await history(parley, from, id)
    t.strictSame(seen.map(each => each.id).toSorted(), acknowledged.map(each => each.id).toSorted())
  }
  t.comment(outcomes)
})

t.test('unblocking gives the chat back, with all that was said in it', async t => {
  const chatId = await makeDirect(parley, 'mia', 'noa')
  const { id } = await send(parley, 'noa', chatId, 'before')
  await request(parley, 'mia', 'POST', `/sessions/${chatId}/block`)
  for (const userId of ['mia', 'noa']) {
    for (const [method, path, body] of [['POST', `/sessions/${chatId}/messages`, { content: 'no' }], ['POST', `/messages/${id}/reactions`, { emoji: '👍' }], ['POST', `/messages/${id}/pin`]] as const) {
      await t.rejects(request(parley, userId, method, path, body), { code: 'CHAT_BLOCKED' }, `${userId}: ${path}`)
    }
  }
  t.match((await history(parley, 'mia', chatId))[0], { content: null, fromBlocked: true })
  await request(parley, 'mia', 'POST', `/sessions/${chatId}/unblock`)
  t.match((await history(parley, 'mia', chatId))[0], { content: 'before' })
  for (const userId of ['mia', 'noa']) {
    await send(parley, userId, chatId, 'again')
    await request(parley, userId, 'POST', `/messages/${id}/reactions`, { emoji: '👍' })
  }
  await request(parley, 'noa', 'POST', `/messages/${id}/pin`)
})

t.test('in a group who is blocked goes on; only with each other there is nothing', async t => {
  const chatId = await makeGroup(parley, 'olga', ['pia', 'quin', 'rob'])
  const { id: ofRob } = await send(parley, 'rob', chatId, 'hello')
  await request(parley, 'pia', 'PUT', '/blocks/quin')
  const { id: ofQuin } = await send(parley, 'quin', chatId, 'secret')
  const { id: ofPia } = await send(parley, 'pia', chatId, 'mine')
  const pia = await signIn(t, parley, 'pia')
  await t.rejects(request(parley, 'pia', 'POST', `/messages/${ofQuin}/reactions`, { emoji: '👍' }), { code: 'CHAT_BLOCKED' })
  await t.rejects(request(parley, 'quin', 'POST', `/messages/${ofPia}/reactions`, { emoji: '👍' }), { code: 'CHAT_BLOCKED' })
  await request(parley, 'quin', 'POST', `/messages/${ofRob}/reactions`, { emoji: '👍' })
  t.match((await pia.next('reaction_added')).data, { userId: 'quin', message: { content: 'hello', reactions: [{ emoji: '👍', userIds: ['quin'] }] } }, 'what they say of others is for everybody')
  await request(parley, 'olga', 'POST', `/messages/${ofQuin}/pin`)
  t.match((await pia.next('message_pinned')).data.message, { content: null, fromBlocked: true, pinned: { userId: 'olga' } })
  const quin = await signIn(t, parley, 'quin')
  await quin.command('typing_start', { chatId })
  t.strictSame(await pia.soFar('user_typing'), [])
  await pia.command('typing_start', { chatId })
  t.strictSame(await quin.soFar('user_typing'), [])
})

t.end()
