// PostgreSQL goes away, or falls silent: every command is answered, within ten seconds (which is as long as these clients
// wait), no socket is lost for it, and nothing that was acknowledged is.
import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from '../helpers/live.ts'
import { createDatabase } from '../helpers/database.ts'
import { startParley, type Parley } from '../helpers/parley.ts'
import { signIn, type CommandError, type Socket } from '../helpers/socket.ts'
import { connectSql, type Sql } from '../helpers/sql.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'
import { Link } from './helpers/link.ts'

interface Scene {
  link: Link
  parley: Parley
  /** Past the link. */
  sql: Sql
  chatId: string
  alice: Socket
  bob: Socket
}

async function scene (t: Test, settings: Record<string, string> = {}): Promise<Scene> {
  const databaseUrl = await createDatabase(t)
  const link = await Link.to(t, databaseUrl)
  const parley = await startParley(t, { DATABASE_URL: link.url, SWEEP_SECONDS: '0.5', ...settings })
  t.teardown(() => link.cut()) // a server waits for its connections to end: these never would
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = await Promise.all([signIn(t, parley, 'alice'), signIn(t, parley, 'bob')])
  return { link, parley, sql: await connectSql(t, { databaseUrl }), chatId, alice, bob }
}

/** A command of each kind that goes to the database, and the same by REST. */
function everything ({ parley, chatId, alice }: Scene, messageId: string): Record<string, Promise<unknown>> {
  return {
    send: alice.command('send_message', { chatId, content: 'sent', clientMessageId: 'once' }),
    'send to a person': alice.command('send_message', { targetUserId: 'carol', content: 'sent' }),
    edit: alice.command('edit_message', { messageId, content: 'edited' }),
    delete: alice.command('delete_message', { messageId }),
    react: alice.command('add_reaction', { messageId, emoji: '👍' }),
    read: alice.command('mark_as_read', { chatId }),
    history: alice.command('get_history', { chatId }),
    sync: alice.command('sync', {}),
    create: alice.command('create_chat', { type: 'GROUP', name: 'Later', participantIds: ['bob'] }),
    add: alice.command('add_participants', { chatId, userIds: ['carol'] }),
    'by REST': request(parley, 'alice', 'GET', `/sessions/${chatId}/messages`),
    'send by REST': send(parley, 'alice', chatId, 'sent', { clientMessageId: 'by REST' }),
  }
}

async function codesOf (outcomes: Record<string, Promise<unknown>>): Promise<Record<string, string>> {
  const settled = Object.entries(outcomes).map(async ([name, outcome]) => [name, await outcome.then(() => 'done', (error: CommandError) => error.code ?? error.message)] as const)
  return Object.fromEntries(await Promise.all(settled))
}

/** Sends until it is acknowledged, as a client does. */
async function insist (socket: Socket, message: { chatId: string, content: string }): Promise<number> {
  const clientMessageId = randomUUID()
  for (;;) {
    try {
      return (await socket.command('send_message', { ...message, clientMessageId })).message.seq
    } catch (error) {
      if (!(error as CommandError).retryable) throw error
    }
  }
}

/** It goes on, on the same sockets, with what nobody has waited for. */
async function onceMore (t: Test, { parley, chatId, alice, bob }: Scene): Promise<void> {
  await insist(alice, { chatId, content: 'after' })
  await bob.next('message_received', ({ data }) => data.message.content === 'after')
  const messages = await history(parley, 'bob', chatId)
  t.strictSame(messages.map(({ seq }) => seq), messages.map((_message, index) => index + 1))
  t.strictSame(messages.filter(({ clientMessageId }) => clientMessageId === 'once').map(({ content }) => content), ['sent'])
  t.strictSame([alice.ws.readyState, bob.ws.readyState], [1, 1])
}

/** A database that is gone and comes back. */
async function goneAndBack (t: Test): Promise<void> {
  const all = await scene(t)
  const { link, parley, sql, chatId, bob } = all
  const { id } = await send(parley, 'alice', chatId, 'before')
  await bob.next('message_received')
  link.cut('down')
  const { send: sent, 'send by REST': sentByRest, react, read, ...codes } = await codesOf(everything(all, id))
  for (const [name, code] of Object.entries(codes)) t.match(code, /DATABASE_UNAVAILABLE|OVERLOADED/, name) // the latter waited behind others of the chat, and never began
  t.equal(sent, 'OUTCOME_UNKNOWN')
  for (const code of [react, read]) t.match(code, /OUTCOME_UNKNOWN|OVERLOADED/)
  t.match(sentByRest, /DATABASE_UNAVAILABLE|OUTCOME_UNKNOWN|OVERLOADED/, 'behind the other')
  t.equal((await fetch(`${parley.url}/health/ready`)).status, 503)

  const item = { chatId, senderId: 'alice', content: 'meanwhile', clientMessageId: 'meanwhile', requestHash: 'meanwhile' }
  t.match(await sql.row('SELECT status FROM chat.send_messages($1::jsonb)', [JSON.stringify([item])]), { status: 'created' }, 'while we do not reach it, others do')
  link.mend()
  t.match(await bob.next('changes'), { data: { messages: [{ content: 'meanwhile' }] } })
  await onceMore(t, all)
}

/** A database that says nothing any more. */
async function silent (t: Test): Promise<void> {
  const all = await scene(t)
  const { link, parley, chatId, alice } = all
  const { id } = await send(parley, 'alice', chatId, 'before')
  link.silence()
  const codes = await codesOf(everything(all, id))
  for (const [name, code] of Object.entries(codes)) t.match(code, /DATABASE_UNAVAILABLE|OUTCOME_UNKNOWN|OVERLOADED/, name)
  t.strictSame([codes.history, codes.sync, codes['by REST']].filter(code => code === 'OUTCOME_UNKNOWN'), [], 'of what changes nothing there is no doubt')
  t.equal(codes.send, 'OUTCOME_UNKNOWN')
  t.match(await alice.command('ping', {}), {})

  link.mend()
  await onceMore(t, all)
}

/** Connections that die without a word, one after the other. */
async function deadConnections (t: Test): Promise<void> {
  const { link, parley, chatId, alice, bob } = await scene(t, { DATABASE_POOL_MAX: '3' })
  const other = await makeDirect(parley, 'alice', 'bob')
  link.silence('open')
  // More than there are places for batches. Each is settled by its key, on a connection that lives.
  const chats = [chatId, other, chatId, other, chatId, other]
  const acknowledged = await Promise.all(chats.map((chatId, n) => alice.command('send_message', { chatId, content: `${n}` })))
  t.strictSame(acknowledged.map(({ message }) => [message.seq, message.content]), [[1, '0'], [1, '1'], [2, '2'], [2, '3'], [3, '4'], [3, '5']])
  for (let n = 0; n < chats.length; n++) await bob.next('message_received')
  t.pass('and told once each')
  t.strictSame(await bob.soFar('message_received'), [])
}

/** A connection that dies without a word while it holds the lock of a chat. */
async function deadHolder (t: Test): Promise<void> {
  const { link, sql, chatId, alice, parley } = await scene(t)
  const { id } = await send(parley, 'alice', chatId, 'before')
  await sql.rows('BEGIN')
  await sql.rows("SELECT FROM chat.chat_participant WHERE chat_id = $1 AND user_id = 'bob' FOR UPDATE", [chatId])
  const removed = codesOf({ remove: alice.command('remove_participant', { chatId, userId: 'bob' }), react: alice.command('add_reaction', { messageId: id, emoji: '👍' }) })
  await sql.until("EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())")
  link.silence('open')
  await sql.rows('COMMIT')
  await sql.until("EXISTS (SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database())")
  t.equal(await insist(alice, { chatId, content: 'after' }), 2, 'the chat is free again')
  t.match(Object.values(await removed), [/DATABASE_UNAVAILABLE|OUTCOME_UNKNOWN/, /DATABASE_UNAVAILABLE|OUTCOME_UNKNOWN|OVERLOADED|done/])
}

// All at once: they wait most of their time.
t.test('every command is answered, and nothing is lost', async t => { await Promise.all([goneAndBack, silent, deadConnections, deadHolder].map(play => play(t))) })

t.test('a connection that is lost between two statements of a transaction fails the transaction, and not the process', async t => {
  const { parley, sql } = await scene(t)
  const pidOf = { name: 'test.pid', text: 'SELECT pg_backend_pid() AS pid' }
  await t.rejects(parley.app.db.transaction(async tx => {
    const [{ pid } = { pid: 0 }] = await tx.query<{ pid: number }>(pidOf, [])
    await sql.rows('SELECT pg_terminate_backend($1)', [pid])
    await sql.until('NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)', [pid])
    await setImmediate()
    await tx.query(pidOf, [])
  }), /Connection terminated|connection error|terminating connection/)
  t.match(await parley.app.db.query(pidOf, []), [{ pid: Number }])
})

/** The connection is lost between the next commit and the answer to it. */
function loseAnswerToCommit ({ app: { db: { pool } } }: Parley): void {
  let isLost = false
  pool.on('acquire', client => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
    const lossy = async (...args: unknown[]) => {
      const answer = await query(...args)
      if (isLost || args[0] !== 'COMMIT') return answer
      isLost = true
      await client.end()
      throw new Error('Connection terminated unexpectedly')
    }
    client.query = lossy as typeof client.query
  })
}

t.test('a change whose commit was not answered is told to the others all the same', async t => {
  const { parley, chatId, alice, bob } = await scene(t, { SWEEP_SECONDS: '60' })
  const { id } = await send(parley, 'alice', chatId, 'before')
  loseAnswerToCommit(parley)
  await t.rejects(alice.command('edit_message', { messageId: id, content: 'edited' }), { code: 'DATABASE_UNAVAILABLE' })
  t.match(await bob.next('changes'), { chatId, data: { messages: [{ content: 'edited' }] } })

  loseAnswerToCommit(parley)
  await t.rejects(alice.command('create_chat', { type: 'GROUP', name: 'Later', participantIds: ['bob'] }), { code: 'DATABASE_UNAVAILABLE' })
  t.match(await bob.next('inbox_updated'), { data: { memberships: [{ state: 'JOINED' }] } })
})

t.end()
