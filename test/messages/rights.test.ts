// Who may send what, and where.
import t from 'tap'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { CommandError, signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const sql = await connectSql(t, parley)

t.test('strangers and former members', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  await request(parley, 'bob', 'DELETE', `/sessions/${chatId}`)
  for (const userId of ['bob', 'zoe']) await t.rejects(send(parley, userId, chatId, 'hello'), { code: 'CHAT_NOT_FOUND' }, userId)
  await t.rejects(send(parley, 'alice', '01900000-0000-7000-8000-000000000001', 'hello'), { code: 'CHAT_NOT_FOUND' }, 'a chat that does not exist')
})

t.test('a reply is to a message of the same chat that the sender may see and that is there', async t => {
  const [chatId, otherId] = [await makeGroup(parley, 'alice', ['bob']), await makeGroup(parley, 'alice')]
  const [old, deleted, other] = [await send(parley, 'alice', chatId, 'old'), await send(parley, 'alice', chatId, 'deleted'), await send(parley, 'alice', otherId, 'elsewhere')]
  await request(parley, 'alice', 'DELETE', `/messages/${deleted.id}?scope=everyone`)
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['late'] })
  t.match(await send(parley, 'bob', chatId, 'to that', { replyToId: old.id }), { replyTo: { messageId: old.id, seq: 1 } })
  const cases: [name: string, userId: string, replyToId: string][] = [
    ['deleted', 'bob', deleted.id],
    ['of another chat', 'alice', other.id],
    ['not there', 'bob', `${chatId}.99`],
    ['a number that no message can have', 'bob', `${chatId}.9999999999`],
    ['from before the sender came', 'late', old.id],
  ]
  for (const [name, userId, replyToId] of cases) await t.rejects(send(parley, userId, chatId, 'to that', { replyToId }), { code: 'MESSAGE_NOT_FOUND' }, name)
})

t.test('slow mode holds for members, also within one batch', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'], { settings: { slowModeSeconds: 60 } })
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  await sql.rows('BEGIN')
  await sql.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR UPDATE', [chatId]) // so that they come together
  const sends = [1, 2, 3].map(n => bob.command('send_message', { chatId, content: `${n}`, clientMessageId: `${n}` }))
  const again = bob.command('send_message', { chatId, content: '1', clientMessageId: '1' })
  const ofOwner = [1, 2, 3].map(n => alice.command('send_message', { chatId, content: `${n}` }))
  const refused = Promise.all(sends.slice(1).map(each => t.rejects(each, { code: 'SLOW_MODE', retryable: true, retryAfterMs: Number })))
  await sql.until("EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')")
  await sql.rows('COMMIT')
  t.match(await sends[0], { duplicate: false, message: { content: '1' } })
  await refused
  t.match(await again, { duplicate: true }, 'a repeat is not a message more')
  t.equal((await Promise.all(ofOwner)).length, 3, 'the staff goes on')
  const late = await bob.command('send_message', { chatId, content: 'later' }).catch((error: CommandError) => error)
  t.match(late, { code: 'SLOW_MODE' }, 'in the next batch')
  t.ok(late instanceof CommandError && Number(late.retryAfterMs) > 0 && Number(late.retryAfterMs) < 60_000, 'and it is getting less')
  t.match(await send(parley, 'carol', chatId, 'carol’s first'), { seq: 5 })
  await sql.rows("UPDATE chat.chat_message SET created_at = created_at - interval '1 minute' WHERE chat_id = $1 AND sender_id = 'bob'", [chatId])
  t.match(await bob.command('send_message', { chatId, content: 'a minute later' }), { duplicate: false })
})

t.test('who is silenced may read, and neither write nor edit', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const message = await send(parley, 'bob', chatId, 'before')
  for (const until of ["now() + interval '1 hour'", "now() + interval '1 year'", "'infinity'"]) {
    await sql.rows(`UPDATE chat.chat_participant SET silenced_until = ${until} WHERE chat_id = $1 AND user_id = 'bob'`, [chatId])
    await t.rejects(send(parley, 'bob', chatId, 'hello'), { code: 'SILENCED' }, until)
    await t.rejects(request(parley, 'bob', 'PUT', `/messages/${message.id}`, { content: 'edited' }), { code: 'SILENCED' }, until)
  }
  t.equal((await history(parley, 'bob', chatId)).length, 1)
  await sql.rows("UPDATE chat.chat_participant SET silenced_until = now() - interval '1 s' WHERE chat_id = $1", [chatId])
  t.match(await send(parley, 'bob', chatId, 'after'), { seq: 2 })
})

t.test('a banned user sends nothing, on a socket that is open', async t => {
  const chatId = await makeGroup(parley, 'alice', ['mallory'])
  const mallory = await signIn(t, parley, 'mallory')
  await sql.rows("UPDATE chat.chat_user SET banned_until = now() + interval '1 hour' WHERE id = 'mallory'")
  await t.rejects(mallory.command('send_message', { chatId, content: 'hello' }), { code: 'USER_BANNED' })
})

t.test('a block ends a DIRECT chat for both', async t => {
  const chatId = await makeDirect(parley, 'alice', 'bob')
  const message = await send(parley, 'bob', chatId, 'before')
  await request(parley, 'alice', 'PUT', '/blocks/bob')
  for (const userId of ['alice', 'bob']) await t.rejects(send(parley, userId, chatId, 'hello'), { code: 'CHAT_BLOCKED' }, userId)
  await t.rejects(request(parley, 'bob', 'POST', '/messages', { targetUserId: 'alice', content: 'hello' }), { code: 'CHAT_BLOCKED' })
  await t.rejects(request(parley, 'bob', 'PUT', `/messages/${message.id}`, { content: 'edited' }), { code: 'CHAT_BLOCKED' })
  const groupId = await makeGroup(parley, 'carol', ['alice', 'bob'])
  for (const userId of ['alice', 'bob']) t.match(await send(parley, userId, groupId, 'hello'), { senderId: userId }, 'a group goes on')
  await request(parley, 'alice', 'DELETE', '/blocks/bob')
  for (const userId of ['alice', 'bob']) t.match(await send(parley, userId, chatId, 'hello'), { senderId: userId })
})

t.test('whoMaySend', async t => {
  const chatId = await makeGroup(parley, 'alice', ['ada', 'mona', 'bob'], { settings: { whoMaySend: 'MODERATOR' } })
  await request(parley, 'alice', 'PATCH', `/sessions/${chatId}/participants/ada`, { role: 'ADMIN' })
  await request(parley, 'alice', 'PATCH', `/sessions/${chatId}/participants/mona`, { role: 'MODERATOR' })
  for (const userId of ['alice', 'ada', 'mona']) t.match(await send(parley, userId, chatId, 'hello'), { senderId: userId })
  await t.rejects(send(parley, 'bob', chatId, 'hello'), { code: 'CHAT_READ_ONLY', status: 403 })
  await request(parley, 'ada', 'PATCH', `/sessions/${chatId}`, { settings: { whoMaySend: 'MEMBER' } })
  t.match(await send(parley, 'bob', chatId, 'hello'), { senderId: 'bob' })
})

t.end()
