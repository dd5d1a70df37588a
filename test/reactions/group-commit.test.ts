// Reactions by group commit: each has its revision and its frame, as if it had come alone.
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Message } from '../../src/contract.ts'
import type { Queryable, Statement } from '../../src/plugins/database.ts'
import { groupReactions, type Reactions } from '../../src/reactions/grouped.ts'
import type { Reacting } from '../../src/reactions/queries.ts'
import type { ChatFrame, Frame } from '../../src/realtime/frames.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const { db } = parley.app

function newReactions (t: Test, gate: Queryable = db): { reactions: Reactions, frames: ChatFrame[], doubted: (string | undefined)[] } {
  const [frames, doubted]: [Frame[], (string | undefined)[]] = [[], []]
  const hub = { publish: (more: Frame[]) => { frames.push(...more) }, doubt: ({ chatId }: { chatId?: string }) => { doubted.push(chatId) } }
  const reactions = groupReactions({ db: gate, hub, log: pino({ level: 'silent' }) })
  t.teardown(() => reactions.drain())
  return { reactions, frames: frames as ChatFrame[], doubted }
}

const on = ({ chatId, seq }: Message, userId: string, emoji: string, isAdded = true): Reacting => ({ chatId, seq, userId, emoji, isAdded })
const summary = (message: string) => (JSON.parse(message) as Message).reactions.map(({ emoji, count }) => [emoji, count])

t.test('all that comes together is one statement, and a revision each', async t => {
  const members = Array.from({ length: 22 }, (_, n) => `member${n}`)
  const [chatId, otherId] = [await makeGroup(parley, 'alice', members), await makeGroup(parley, 'alice', members)]
  const [first, second, other] = [await send(parley, 'alice', chatId, 'first'), await send(parley, 'alice', chatId, 'second'), await send(parley, 'alice', otherId, 'other')]
  const { promise, resolve } = Promise.withResolvers<void>()
  const { promise: isFull, resolve: full } = Promise.withResolvers<void>()
  let statements = 0
  const gate: Queryable = {
    query: async (statement: Statement, values: unknown[]) => {
      if (++statements === 2) full()
      await promise
      return db.query(statement, values)
    },
  }
  const { reactions, frames } = newReactions(t, gate)
  const blocker = await Promise.all([makeGroup(parley, 'alice'), makeGroup(parley, 'alice')])
  const filled = blocker.map(async id => reactions.do(on(await send(parley, 'alice', id, 'hello'), 'alice', 'ok')))
  await isFull // two batches: what follows is one
  const items = [
    on(first, 'member0', 'a'), on(first, 'member0', 'a'), on(second, 'member1', 'b'), on(first, 'member1', 'a'), on(first, 'member0', 'a', false), on(other, 'member0', 'a'),
    on(first, 'stranger', 'a'), on(first, 'member2', 'z', false),
    // Twenty different ones; the one that has gone by then counts no longer.
    ...members.slice(3).map((userId, n) => on(first, userId, `e${n}`)), on(first, 'member2', 'one too many'), on(first, 'member2', 'a'),
  ]
  const outcomes = items.map(item => reactions.do(item))
  resolve()
  await Promise.all(filled)
  const done = await Promise.all(outcomes)
  t.equal(statements, 3)
  t.strictSame(done.map(({ status, code }) => code ?? status), [
    'changed', 'unchanged', 'changed', 'changed', 'changed', 'changed', 'MESSAGE_NOT_FOUND', 'unchanged', ...members.slice(3).map(() => 'changed'), 'REACTION_LIMIT', 'changed',
  ])
  t.strictSame(done.slice(0, 5).map(({ message }) => summary(message)), [[['a', 1]], [['a', 1]], [['b', 1]], [['a', 2]], [['a', 1]]], 'each as it was then')
  const ofChat = frames.filter(frame => frame.chatId === chatId)
  t.strictSame(ofChat.map(({ revision }) => revision), ofChat.map((_, n) => second.revision + 1 + n), 'no revision is missing, or taken twice')
  for (const [n, frame] of ofChat.entries()) {
    const { message } = JSON.parse(frame.data) as { message: Message }
    t.equal(frame.previousRevision, second.revision + n)
    t.equal(message.revision, frame.revision)
  }
  t.match(await request(parley, 'alice', 'GET', `/sessions/${chatId}`), { head: { lastRevision: ofChat.at(-1)?.revision } })
})

t.test('a held chat holds up nobody else', async t => {
  const held = [await makeGroup(parley, 'alice', ['bob']), await makeGroup(parley, 'alice', ['bob'])] // as many as there are batches at once
  const heldMessages = await Promise.all(held.map(chatId => send(parley, 'alice', chatId, 'hello')))
  const freeMessage = await send(parley, 'alice', await makeGroup(parley, 'alice', ['bob']), 'hello')
  const holder = await connectSql(t, parley)
  await holder.rows('BEGIN')
  await holder.rows('SELECT FROM chat.chat_head WHERE chat_id = ANY ($1) FOR UPDATE', [held])
  const bob = await signIn(t, parley, 'bob')
  const waiting = heldMessages.map(({ id }) => bob.command('add_reaction', { messageId: id, emoji: 'a' }))
  for (const type of ['add_reaction', 'remove_reaction', 'add_reaction'] as const) t.match(await bob.command(type, { messageId: freeMessage.id, emoji: 'a' }), { userId: 'bob' })
  await holder.rows('COMMIT')
  for (const { message } of await Promise.all(waiting)) t.match(message, { reactions: [{ emoji: 'a', userIds: ['bob'] }] })
})

t.test('a deadlock with SQL of the application is not the end of a reaction', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const message = await send(parley, 'alice', chatId, 'hello')
  const [other, watcher] = [await connectSql(t, parley), await connectSql(t, parley)]
  await other.rows("SET deadlock_timeout = '1h'") // so that it is the reaction that is undone
  await other.rows('BEGIN')
  await other.rows("SELECT FROM chat.chat_participant WHERE chat_id = $1 AND user_id = 'bob' FOR UPDATE", [chatId])
  const { reactions } = newReactions(t)
  const reacted = reactions.do(on(message, 'bob', 'a'))
  await watcher.until("EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%react_many%')")
  await other.rows('SELECT FROM chat.chat_head WHERE chat_id = $1 FOR UPDATE', [chatId])
  await other.rows('COMMIT')
  t.match(await reacted, { status: 'changed' })
})

t.test('what PostgreSQL refuses fails alone', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const message = await send(parley, 'alice', chatId, 'hello')
  const { reactions } = newReactions(t)
  const outcomes = await Promise.allSettled([
    on(message, 'alice', 'a'), on(message, 'bob', 'b'), on(message, 'bob', 'x'.repeat(33)), on(message, 'bob', 'c'),
  ].map(item => reactions.do(item)))
  t.match(outcomes, [{ value: { status: 'changed' } }, { value: { status: 'changed' } }, { reason: { code: 'INTERNAL' } }, { value: { status: 'changed' } }])
})

t.test('the connection is lost after the commit: it is done again, and whoever follows finds out', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const message = await send(parley, 'alice', chatId, 'hello')
  let isLost = false
  const gate: Queryable = {
    query: async (statement: Statement, values: unknown[]) => {
      const rows = await db.query(statement, values)
      if (isLost) return rows as never
      isLost = true
      throw new Error('Connection terminated unexpectedly')
    },
  }
  const { reactions, frames, doubted } = newReactions(t, gate)
  const { status, message: json } = await reactions.do(on(message, 'bob', 'a'))
  t.equal(status, 'unchanged')
  t.strictSame(summary(json), [['a', 1]])
  t.strictSame([frames, doubted], [[], [chatId]])
})

t.end()
