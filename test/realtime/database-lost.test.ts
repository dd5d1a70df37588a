// The database goes and comes back: whoever is connected stays, and misses nothing.
import t from 'tap'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send } from '../helpers/world.ts'

const LOSE = 'SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()'

t.test('a lost and found connection costs nobody their socket', async t => {
  const parley = await startParley(t, { SWEEP_SECONDS: '0.3' })
  const sql = await connectSql(t, parley)
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  for (let round = 1; round <= 3; round++) {
    await sql.rows(LOSE)
    // What comes meanwhile may be refused as something to be tried again; whoever tries again succeeds.
    for (let sent = false; !sent;) {
      sent = await alice.command('send_message', { chatId, content: `round ${round}`, clientMessageId: `round ${round}` }).then(() => true, (error: { retryable?: boolean }) => {
        if (!error.retryable) throw error
        return false
      })
    }
    t.equal((await bob.next('message_received')).data.message.content, `round ${round}`)
    // What an application has sent behind the server's back is heard of by the new listener, or found by the sweep.
    const item = { chatId, senderId: 'alice', content: `by SQL ${round}`, clientMessageId: `sql ${round}`, requestHash: 'hash' }
    await sql.rows('SELECT FROM chat.send_messages($1::jsonb)', [JSON.stringify([item])])
    t.match((await bob.next('changes')).data, { messages: [{ content: `by SQL ${round}` }] })
    t.match(await bob.command('changes', { chatId, since: 5 }), { chatId })
  }
  t.strictSame([alice.ws.readyState, bob.ws.readyState], [alice.ws.OPEN, bob.ws.OPEN])
})

t.test('nor does coming into a chat just then', async t => {
  const parley = await startParley(t)
  const bob = await signIn(t, parley, 'bob')
  const sql = await connectSql(t, parley)
  const chatId = await makeGroup(parley, 'alice', [])
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['bob'] })
  await sql.rows(LOSE)
  await bob.next('inbox_updated', ({ data }) => data.memberships.some(membership => membership.chatId === chatId))
  let sent = false
  while (!sent) sent = await send(parley, 'alice', chatId, 'hello', { clientMessageId: 'hello' }).then(() => true, () => false)
  await Promise.race([bob.next('message_received', ({ data }) => data.message.content === 'hello'), bob.next('changes', ({ data }) => data.messages.some(({ content }) => content === 'hello'))])
  t.equal(bob.ws.readyState, bob.ws.OPEN)
})

t.end()
