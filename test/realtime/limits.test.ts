// What one socket may ask of the server.
import t from 'tap'
import { startParley } from '../helpers/parley.ts'
import { CommandError, signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup } from '../helpers/world.ts'

t.test('commands over the rate are refused one by one; who goes on is closed', async t => {
  const parley = await startParley(t, { RATE_LIMIT_COMMANDS: '5' })
  const socket = await signIn(t, parley, 'alice')
  const other = await signIn(t, parley, 'alice')
  const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => socket.command('ping', {})))
  const refused = outcomes.flatMap(outcome => outcome.status === 'rejected' ? outcome.reason as CommandError : [])
  t.ok(refused.length >= 40 && refused.length <= 50, 'all but a burst of twice the rate, and what a slow machine fills in')
  t.ok(refused.every(error => error.code === 'RATE_LIMITED' && error.retryable && Number(error.retryAfterMs) > 0 && Number(error.retryAfterMs) <= 200), 'each with when to come again')
  t.match(await other.command('ping', {}), {}, "a user's other socket has a rate of its own")

  for (let n = 0; n < 1_000; n++) socket.ws.send(JSON.stringify({ id: `flood ${n}`, type: 'ping', data: {} }))
  t.equal((await socket.closed).code, 4103)
})

t.test('a command without an id is told of the limit, too', async t => {
  const parley = await startParley(t, { RATE_LIMIT_COMMANDS: '1' })
  const socket = await signIn(t, parley, 'alice')
  for (let n = 0; n < 3; n++) socket.ws.send('{"type":"ping","data":{}}')
  t.match(await socket.next('error'), { error: { code: 'RATE_LIMITED' } })
})

t.test('commands in flight', async t => {
  const parley = await startParley(t, { MAX_COMMANDS_IN_FLIGHT: '2' })
  const chatId = await makeGroup(parley, 'alice')
  const socket = await signIn(t, parley, 'alice')
  const sql = await connectSql(t, parley)
  await sql.rows('BEGIN')
  await sql.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR UPDATE', [chatId])
  const held = ['one', 'two'].map(name => socket.command('update_chat', { chatId, name }))
  await t.rejects(socket.command('ping', {}), { code: 'RATE_LIMITED', retryAfterMs: Number })
  await sql.rows('COMMIT')
  t.match(await Promise.all(held), [{ chat: { name: 'one' } }, { chat: { name: 'two' } }], 'those that were taken are answered, in their order')
  t.match(await socket.command('ping', {}), {}, 'and there is room again')
})

t.test('a frame that is too large', async t => {
  const parley = await startParley(t, { MAX_FRAME_BYTES: '2048' })
  const socket = await signIn(t, parley, 'alice')
  const other = await signIn(t, parley, 'alice')
  t.match(await socket.request({ id: 'x'.repeat(64), type: 'ping', data: {} }), {})
  socket.ws.send(JSON.stringify({ id: 1, type: 'ping', data: { padding: 'x'.repeat(2048) } }))
  t.equal((await socket.closed).code, 1009)
  t.match(await other.command('ping', {}), {}, 'is nobody else’s trouble')
})

t.test('the oldest of too many connections of one user gives way', async t => {
  const parley = await startParley(t, { MAX_CONNECTIONS_PER_USER: '2' })
  const [first, second] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'alice')]
  const bob = await signIn(t, parley, 'bob')
  const third = await signIn(t, parley, 'alice')
  t.equal((await first.closed).code, 4409)
  for (const socket of [second, third, bob]) t.match(await socket.command('ping', {}), {})
})

t.end()
