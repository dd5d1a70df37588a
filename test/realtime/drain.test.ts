// A server that goes: what it has taken is answered, and everybody is told to come back elsewhere.
import { mock } from 'node:test'
import t from 'tap'
import { drain } from '../../src/realtime/drain.ts'
import { matchEach } from '../helpers/match.ts'
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
  matchEach(t, await sql.rows('SELECT content FROM chat.chat_message WHERE chat_id = $1', [chatId]), [{ content: 'the last word' }])
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

t.test('many are sent away in batches, each when what it waits for is answered', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const told: number[] = []
  const closed: number[] = []
  const answered = Promise.withResolvers<void>()
  const sockets = Array.from({ length: 2_000 }, (_, n) => ({
    drain: async () => { told.push(n); if (n === 3) await answered.promise },
    close: () => { closed.push(n) },
  }))
  const turn = () => new Promise(resolve => setImmediate(resolve))
  let isOver = false
  const over = drain(sockets, 2_000).then(() => { isOver = true })
  await turn()
  t.ok(told.length >= 100 && told.length < 300, `${told.length} at once`)
  for (let ms = 0; ms < 1_900; ms += 100) {
    await turn()
    mock.timers.tick(100)
  }
  await turn()
  t.equal(told.length, 2_000, 'all before the time is over')
  t.notOk(isOver, 'one has not been answered')
  answered.resolve()
  await over
  t.equal(closed.length, 2_000)
})

t.test('what is not answered in time is not waited for', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const closed: number[] = []
  const over = drain([{ drain: () => new Promise(() => {}), close: code => { closed.push(code) } }], 1_000)
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(closed, [])
  mock.timers.tick(1_000)
  await over
  t.strictSame(closed, [4001])
})

t.test('more than a process accepts a second are refused, whatever they show', async t => {
  const parley = await startParley(t, { RATE_LIMIT_ACCEPTS: '1' })
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => openSocket(t, parley, 'alice', { token: 'not even a token' })))
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 2, 'twice as many as in a second')
  for (const outcome of outcomes) if (outcome.status === 'rejected') t.match(outcome.reason, { message: /503/ })
})

t.end()
