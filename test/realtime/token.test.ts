// A socket outlives its token by a little, and is renewed by another token of the same user.
import t from 'tap'
import { once } from 'node:events'
import { startParley, token } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'

const now = () => Math.floor(Date.now() / 1000)
const parley = await startParley(t, { TOKEN_GRACE_SECONDS: '0.1' })

t.test('a token that is about to end is announced, once, and then the socket is closed', async t => {
  const exp = now() + 2
  const socket = await signIn(t, parley, 'alice', { token: token('alice', { exp }) })
  const { data: { inMs } } = await socket.next('token_expiring')
  t.ok(inMs > 0 && inMs <= 2_000, 'and when')
  t.equal((await socket.closed).code, 4101)
  t.ok(Date.now() >= exp * 1000, 'not before its time')
  t.strictSame(socket.events, [], 'nothing else was said')
})

t.test('a socket is renewed by a token of the same user', async t => {
  const socket = await signIn(t, parley, 'alice', { token: token('alice', { exp: now() + 2 }) })
  const other = await signIn(t, parley, 'bob', { token: token('bob', { exp: now() + 2 }) })
  await socket.next('token_expiring')
  const later = now() + 3600
  const renewed = await socket.command('authenticate', { token: token('alice', { exp: later }) })
  t.match(renewed, { userId: 'alice', expiresAt: new Date(later * 1000).toISOString() })
  t.equal((await other.closed).code, 4101, 'another socket has come to its end')
  t.match(await socket.command('get_unread', {}), { totalUnread: 0 }, 'this one goes on')

  await socket.command('authenticate', { token: token('alice', { exp: now() + 2 }) })
  await socket.next('token_expiring')
  t.pass('the new token is announced to end like the first')
})

t.test('nobody becomes somebody else', async t => {
  const socket = await signIn(t, parley, 'alice')
  await t.rejects(socket.command('authenticate', { token: token('bob') }), { code: 'TOKEN_INVALID' })
  await t.rejects(socket.command('authenticate', { token: 'rubbish' }), { code: 'TOKEN_INVALID' })
  t.match(await socket.command('authenticate', { token: token('alice') }), { userId: 'alice' }, 'and the socket goes on as who it was')
})

t.test('a socket that ends while it is renewed leaves nothing behind', async t => {
  const sql = await connectSql(t, parley)
  const socket = await signIn(t, parley, 'carol')
  await sql.rows('BEGIN')
  await sql.rows('LOCK TABLE chat.chat_user IN ACCESS EXCLUSIVE MODE')
  socket.ws.send(JSON.stringify({ id: 'renew', type: 'authenticate', data: { token: token('carol') } }))
  await sql.until("EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'chat.chat_user'::regclass)")
  const gone = once(parley.app.hub.roster, 'gone')
  socket.ws.terminate()
  await gone
  await sql.rows('COMMIT')
  // What is asked of the database later is answered later: by then the renewal has ended, too.
  for (let n = 0; n < 5; n++) await (await signIn(t, parley, 'dave')).command('sync', {})
  t.strictSame(parley.app.hub.roster.peersOf('carol'), [])
})

t.end()
