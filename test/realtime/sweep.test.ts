// What happens behind the server's back is found by comparing with the database, and what the database has forgotten, too.
import { createSigner } from 'fast-jwt'
import t from 'tap'
import { request } from '../helpers/live.ts'
import { JWT_SECRET, startParley } from '../helpers/parley.ts'
import { openSocket, signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { UnreliableBus } from '../helpers/unreliable-bus.ts'
import { makeGroup, send } from '../helpers/world.ts'

const bus = new UnreliableBus()
const parley = await startParley(t, { SWEEP_SECONDS: '0.2' }, bus)
const sql = await connectSql(t, parley)
t.beforeEach(() => bus.heal())

/** A message that no process of the server has sent. */
async function sendBySql (chatId: string, senderId: string, content: string): Promise<void> {
  const item = { chatId, senderId, content, clientMessageId: content, requestHash: content }
  const { status } = await sql.row<{ status: string }>('SELECT status FROM chat.send_messages($1::jsonb)', [JSON.stringify([item])])
  if (status !== 'created') throw new Error(status)
}

t.test('a message that an application has sent in SQL', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const bob = await signIn(t, parley, 'bob')
  await sendBySql(chatId, 'alice', 'by SQL')
  t.match((await bob.next('changes')).data, { chatId, messages: [{ content: 'by SQL', senderId: 'alice' }] })
  await send(parley, 'alice', chatId, 'by the server')
  t.equal((await bob.next('message_received')).data.message.content, 'by the server', 'and frames go on behind it')
})

t.test('a lost frame after which nothing else comes', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const bob = await signIn(t, parley, 'bob')
  bus.lose('message_received')
  await send(parley, 'alice', chatId, 'lost')
  t.match((await bob.next('changes')).data, { chatId, messages: [{ content: 'lost' }] })
})

t.test('a lost frame of an inbox after which nothing else comes', async t => {
  const phone = await signIn(t, parley, 'erin')
  bus.lose('inbox')
  await request(parley, 'erin', 'PUT', '/blocks/bob')
  t.match((await phone.next('inbox_updated')).data, { blocks: ['bob'] })
})

t.test('a chat whose creation got lost, for a member who is here', async t => {
  const bob = await signIn(t, parley, 'bob')
  bus.lose('inbox', 'chat_created')
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  bus.heal()
  await bob.next('inbox_updated', ({ data }) => data.memberships.some(membership => membership.chatId === chatId))
  await send(parley, 'alice', chatId, 'hello')
  await Promise.race([bob.next('message_received', event => event.chatId === chatId), bob.next('changes', event => event.chatId === chatId)])
  t.pass('is followed')
})

t.test('a removal that got lost', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const bob = await signIn(t, parley, 'bob')
  bus.lose('participant_left', 'inbox')
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/bob`)
  t.strictSame((await bob.next('inbox_updated')).data.removed, [chatId])
})

t.test('a chat that was deleted, as a mark or as a row', async t => {
  for (const statement of ['UPDATE chat.chat_session SET deleted_at = now() WHERE id = $1', 'DELETE FROM chat.chat_session WHERE id = $1']) {
    const chatId = await makeGroup(parley, 'alice', ['bob'])
    const bob = await signIn(t, parley, 'bob')
    await sql.rows(statement, [chatId])
    t.strictSame((await bob.next('chat_deleted')).data, { chatId }, statement)
    await t.rejects(send(parley, 'alice', chatId, 'too late'), { code: 'CHAT_NOT_FOUND' })
  }
})

t.test('a user who is banned', async t => {
  const [bob, alice] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'alice')]
  await sql.rows("UPDATE chat.chat_user SET banned_until = now() + interval '1 day' WHERE id = 'bob'")
  t.equal((await bob.closed).code, 4403)
  await t.rejects(signIn(t, parley, 'bob'), { message: /closed before authenticated/ })
  t.match(await alice.command('ping', {}), {}, 'nobody else is')
  await sql.rows("UPDATE chat.chat_user SET banned_until = now() - interval '1 day' WHERE id = 'bob'")
  t.match(await (await signIn(t, parley, 'bob')).command('ping', {}), {}, 'a ban ends')
})

t.test('who is banned is told so', async t => {
  await signIn(t, parley, 'frank')
  await sql.rows("UPDATE chat.chat_user SET banned_until = 'infinity' WHERE id = 'frank'")
  const socket = await openSocket(t, parley, 'frank')
  t.match(await socket.next('error'), { error: { code: 'USER_BANNED' } })
  t.equal((await socket.closed).code, 4403)
})

t.test('tokens that were issued too early are not valid', async t => {
  await (await signIn(t, parley, 'grace')).close()
  const iat = Math.floor(Date.now() / 1000)
  await sql.rows("UPDATE chat.chat_user SET tokens_valid_from = to_timestamp($1) WHERE id = 'grace'", [iat])
  const undated = createSigner({ key: JWT_SECRET, algorithm: 'HS256', noTimestamp: true })({ sub: 'grace', exp: iat + 60 })
  for (const token of [parley.token('grace', { iat: iat - 1 }), undated]) {
    const socket = await openSocket(t, parley, 'grace', { token })
    t.match(await socket.next('error'), { error: { code: 'TOKEN_INVALID' } })
    t.equal((await socket.closed).code, 4401)
  }
  t.match(await (await signIn(t, parley, 'grace', { token: parley.token('grace', { iat }) })).command('ping', {}), {})
})

t.test('a socket ends when the token that it came with is no longer valid', async t => {
  const iat = Math.floor(Date.now() / 1000)
  const [old, renewed, late] = [
    await signIn(t, parley, 'heidi', { token: parley.token('heidi', { iat: iat - 1 }) }),
    await signIn(t, parley, 'heidi', { token: parley.token('heidi', { iat: iat - 1 }) }),
    await signIn(t, parley, 'heidi', { token: parley.token('heidi', { iat }) }),
  ]
  await renewed.command('authenticate', { token: parley.token('heidi', { iat }) })
  await sql.rows("UPDATE chat.chat_user SET tokens_valid_from = to_timestamp($1) WHERE id = 'heidi'", [iat])
  t.equal((await old.closed).code, 4401)
  for (const socket of [renewed, late]) t.match(await socket.command('ping', {}), {}, 'a newer token goes on')
})

t.test('another history of the database: everybody starts anew', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  for (const text of ['one', 'two', 'three']) await send(parley, 'alice', chatId, text)
  const { epoch } = await alice.command('sync', {})
  bob.stopReading() // and does not answer the goodbye for a while

  // What a restore brings: an older state, with an identity of its own.
  await sql.rows('BEGIN')
  await sql.rows('UPDATE chat.chat_head SET last_seq = 1, last_revision = 4, last_ordinal = 1, last_ordinal_seq = 1 WHERE chat_id = $1', [chatId])
  await sql.rows('DELETE FROM chat.chat_message WHERE chat_id = $1 AND seq > 1', [chatId])
  await sql.rows('UPDATE chat.chat_participant SET sent_count = least(sent_count, 1), read_seq = least(read_seq, 1), delivered_seq = least(delivered_seq, 1) WHERE chat_id = $1', [chatId])
  await sql.rows('UPDATE chat.meta SET epoch = gen_random_uuid()')
  await sql.rows('COMMIT')
  t.equal((await alice.closed).code, 4102)

  const back = await signIn(t, parley, 'alice')
  t.not((await back.command('sync', {})).epoch, epoch)
  await t.rejects(back.command('changes', { chatId, since: 6 }), { code: 'EPOCH_CHANGED' }, 'a cursor of the old history')
  await send(parley, 'alice', chatId, 'two, again')
  t.match(await back.next('message_received'), { previousRevision: 4, revision: 5, data: { message: { content: 'two, again', seq: 2 } } },
    'revisions of the new history are delivered, although the old one had come further')
})

t.end()
