// A server that goes: what it has taken is answered, and everybody is told to come back elsewhere.
import t from 'tap'
import { startParley } from '../helpers/parley.ts'
import { openSocket, signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup } from '../helpers/world.ts'

t.test('what is under way is answered, and then the socket is closed', async t => {
  const parley = await startParley(t, { DRAIN_SECONDS: '8' })
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const alice = await signIn(t, parley, 'alice')
  const bob = await signIn(t, parley, 'bob')
  const stranger = await openSocket(t, parley, '', { token: null })
  const sql = await connectSql(t, parley)
  await sql.rows('BEGIN')
  await sql.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR UPDATE', [chatId])
  const sent = alice.command('send_message', { chatId, content: 'the last word' })
  await sql.until("EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')")

  const closed = parley.app.close()
  t.equal((await stranger.closed).code, 4001, 'who waits for nothing goes at once')
  t.equal((await bob.closed).code, 4001)
  await t.rejects(signIn(t, parley, 'carol'), { message: /503/ }, 'nobody comes any more')
  await sql.rows('COMMIT')
  t.match(await sent, { message: { content: 'the last word', seq: 1 } })
  t.equal((await alice.closed).code, 4001)
  await closed
  t.match(await sql.rows('SELECT content FROM chat.chat_message WHERE chat_id = $1', [chatId]), [{ content: 'the last word' }])
})

t.test('what takes too long is not waited for', async t => {
  const parley = await startParley(t, { DRAIN_SECONDS: '0.2' })
  const chatId = await makeGroup(parley, 'alice')
  const alice = await signIn(t, parley, 'alice')
  const sql = await connectSql(t, parley)
  await sql.rows('BEGIN')
  await sql.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR UPDATE', [chatId])
  const sent = alice.command('send_message', { chatId, content: 'the last word' })
  await sql.until("EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')")
  const closed = parley.app.close()
  await t.rejects(sent, { message: /closed with 4001/ })
  await sql.rows('COMMIT')
  await closed
})

t.test('a peer that does not answer the goodbye does not keep the server', async t => {
  const parley = await startParley(t)
  const socket = await signIn(t, parley, 'alice')
  socket.stopReading()
  await t.resolves(parley.app.close())
})

t.end()
