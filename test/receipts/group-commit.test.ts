// Marks by group commit: what arrives while others are at the database is one statement, and what holds one up, or breaks it, is nobody else's trouble.
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Queryable, Statement } from '../../src/plugins/database.ts'
import type { FleetingFrame, Frame } from '../../src/realtime/frames.ts'
import { groupMarks, type Marks } from '../../src/receipts/marks.ts'
import type { Mark, Marking } from '../../src/receipts/queries.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const log = pino({ level: 'silent' })
const { db } = parley.app

const read = (chatId: string, userId: string, more: Partial<Mark> = {}): Mark => ({ chatId, userId, isRead: true, upToSeq: null, isNamed: false, ...more })

/** The database, in the hands of a test: how often it was asked, and how that went. */
class Gate implements Queryable {
  statements = 0
  /** Before a statement, and after it has been committed. */
  before: (() => Promise<void>) | undefined
  after: (() => Promise<void>) | undefined

  async query<Row extends object> (statement: Statement, values: unknown[]): Promise<Row[]> {
    this.statements++
    await this.before?.()
    const rows = await db.query<Row>(statement, values)
    await this.after?.()
    return rows
  }
}

function newMarks (t: Test, gate: Queryable = db): { marks: Marks, frames: FleetingFrame[] } {
  const frames: Frame[] = []
  const marks = groupMarks({ db: gate, hub: { publish: more => { frames.push(...more) } }, log })
  t.teardown(() => marks.drain())
  return { marks, frames: frames as FleetingFrame[] }
}

const told = (frames: FleetingFrame[]) => frames.map(({ type, data }) => [type, JSON.parse(data).userId, JSON.parse(data).readSeq ?? JSON.parse(data).deliveredSeq])

t.test('64 readers of one chat: three statements, and each is told as if they were alone', async t => {
  const members = Array.from({ length: 64 }, (_, n) => `reader${n}`)
  const chatId = await makeGroup(parley, 'alice', members)
  await Promise.all(['one', 'two', 'three'].map(content => send(parley, 'alice', chatId, content)))
  const gate = new Gate()
  const { promise, resolve } = Promise.withResolvers<void>()
  gate.before = () => promise
  const { marks, frames } = newMarks(t, gate)
  const outcomes = members.map((userId, n) => marks.do(read(chatId, userId, { isRead: n % 2 === 0, upToSeq: n % 3 + 1 })))
  t.equal(gate.statements, 2, 'at once, as long as nothing is under way')
  resolve()
  t.match(await Promise.all(outcomes), members.map((_, n) => ({ status: 'marked', readSeq: n % 2 === 0 ? n % 3 + 1 : 0, deliveredSeq: n % 3 + 1, unreadCount: n % 2 === 0 ? 2 - n % 3 : 3 })))
  t.equal(gate.statements, 3, 'all others together')
  t.strictSame(told(frames).sort(), members.map((userId, n) => [n % 2 === 0 ? 'messages_read' : 'messages_delivered', userId, n % 3 + 1]).sort())
  const sql = await connectSql(t, parley)
  t.match(await sql.row('SELECT (SELECT count(*)::integer FROM chat.message_read WHERE chat_id = $1) AS reads, (SELECT count(*)::integer FROM chat.message_delivery WHERE chat_id = $1) AS got', [chatId]), { reads: 32, got: 32 })
})

t.test('marks of one member are an interval each, in their order', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  for (const content of ['one', 'two', 'three', 'four']) await send(parley, 'alice', chatId, content)
  const { marks } = newMarks(t)
  t.match(await Promise.all([2, 1, 3, 4].map(upToSeq => marks.do(read(chatId, 'bob', { upToSeq })))), [
    { readSeq: 2, readMoved: true }, { readSeq: 2, readMoved: false }, { readSeq: 3, readMoved: true }, { readSeq: 4, readMoved: true },
  ])
  const sql = await connectSql(t, parley)
  t.strictSame(await sql.rows('SELECT from_seq, to_seq FROM chat.message_read WHERE chat_id = $1 ORDER BY to_seq', [chatId]), [{ from_seq: 1, to_seq: 2 }, { from_seq: 3, to_seq: 3 }, { from_seq: 4, to_seq: 4 }])
})

t.test('a member whose row is held holds up nobody else', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol', 'dave'])
  await send(parley, 'alice', chatId, 'one')
  const holder = await connectSql(t, parley)
  await holder.rows('BEGIN')
  await holder.rows("SELECT FROM chat.chat_participant WHERE chat_id = $1 AND user_id IN ('bob', 'dave') FOR UPDATE", [chatId])
  const [alice, bob, carol, dave] = await Promise.all(['alice', 'bob', 'carol', 'dave'].map(userId => signIn(t, parley, userId)))
  const waiting = [bob, dave].map(socket => socket!.command('mark_as_read', { chatId })) // as many as there are batches at once
  for (let n = 0; n < 3; n++) t.match(await carol!.command('mark_as_read', { chatId }), { readSeq: 1, updated: n === 0 })
  t.match(await alice!.next('messages_read'), { data: { userId: 'carol' } })
  await holder.rows('COMMIT')
  t.match(await Promise.all(waiting), [{ readSeq: 1, updated: true }, { readSeq: 1, updated: true }])
  t.match(await alice!.next('messages_read', ({ data }) => data.userId === 'bob'), { data: { readSeq: 1 } })
})

t.test('what PostgreSQL refuses fails alone', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol', 'dave'])
  await send(parley, 'alice', chatId, 'one')
  const gate = new Gate()
  const { promise, resolve } = Promise.withResolvers<void>()
  gate.before = () => promise
  const { marks } = newMarks(t, gate)
  const outcomes = Promise.allSettled([
    read(chatId, 'alice'), read(chatId, 'nobody'), // two batches; what follows is one
    read(chatId, 'bob'), read(chatId, 'carol', { upToSeq: 3_000_000_000 }), read(chatId, 'dave'), read('no uuid', 'dave'), read(chatId, 'erin'), read(chatId, 'carol', { upToSeq: 7, isNamed: true }),
  ].map(item => marks.do(item)))
  resolve()
  t.match(await outcomes, [
    { value: { status: 'marked' } }, { value: { status: 'rejected', code: 'CHAT_NOT_FOUND' } },
    { value: { readSeq: 1 } }, { reason: { code: 'INTERNAL' } }, { value: { readSeq: 1 } }, { reason: { code: 'INTERNAL' } },
    { value: { status: 'rejected', code: 'CHAT_NOT_FOUND' } }, { value: { status: 'rejected', code: 'MESSAGE_NOT_FOUND' } },
  ])
})

t.test('the connection is lost after the commit: it is done again, and others are told after all', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol', 'dave'])
  await request(parley, 'dave', 'PATCH', '/me', { settings: { privateReading: true } })
  for (const content of ['one', 'two']) await send(parley, 'alice', chatId, content)
  for (const item of [read(chatId, 'bob'), read(chatId, 'carol', { isRead: false, upToSeq: 1 }), read(chatId, 'dave')]) {
    const gate = new Gate()
    gate.after = async () => { if (gate.statements === 1) throw new Error('Connection terminated unexpectedly') }
    const { marks, frames } = newMarks(t, gate)
    const seq = item.upToSeq ?? 2
    t.match(await marks.do(item), { status: 'marked', deliveredSeq: seq, readMoved: false, deliveredMoved: false })
    t.strictSame(frames.map(({ type, userIds, data }) => [type, userIds ?? 'all', JSON.parse(data).readSeq ?? JSON.parse(data).deliveredSeq]), {
      bob: [['messages_read', 'all', 2]], carol: [['messages_delivered', 'all', 1]], dave: [['messages_read', ['dave'], 2], ['messages_delivered', 'all', 2]],
    }[item.userId])
  }
})

t.test('connections that are lost in the middle: every mark is answered, and no interval is lost or there twice', async t => {
  const members = Array.from({ length: 20 }, (_, n) => `member${n}`)
  const chatId = await makeGroup(parley, 'alice', members)
  for (let n = 0; n < 6; n++) await send(parley, 'alice', chatId, `${n}`)
  const [holder, sql] = [await connectSql(t, parley), await connectSql(t, parley)]
  const { marks } = newMarks(t)
  const kill = "SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%chat.mark_many($1%' AND pid <> pg_backend_pid()"
  for (let upToSeq = 1; upToSeq <= 6; upToSeq++) {
    await holder.rows('BEGIN')
    await holder.rows("SELECT FROM chat.chat_participant WHERE chat_id = $1 AND user_id = 'member7' FOR UPDATE", [chatId])
    const outcomes = members.map(userId => marks.do(read(chatId, userId, { upToSeq })))
    await sql.until(`${kill} AND wait_event_type = 'Lock'`) // the one that is held,
    for (let n = 0; n < 5; n++) await sql.rows(`${kill} AND state = 'active'`) // and whoever else is at it
    await holder.rows('COMMIT')
    t.match(await Promise.all(outcomes), members.map(() => ({ status: 'marked', readSeq: upToSeq })))
  }
  t.strictSame(await sql.rows('SELECT user_id AS "userId", array_agg(to_seq ORDER BY to_seq) AS ends, array_agg(from_seq ORDER BY to_seq) AS starts FROM chat.message_read WHERE chat_id = $1 GROUP BY user_id ORDER BY user_id COLLATE "C"', [chatId]),
    members.toSorted().map(userId => ({ userId, ends: [1, 2, 3, 4, 5, 6], starts: [1, 2, 3, 4, 5, 6] })))
})

t.test('a database that is gone does not keep a server that is going', async t => {
  const asked = Promise.withResolvers<void>()
  const marks = groupMarks({ db: { query: async () => { asked.resolve(); throw new Error('Connection terminated unexpectedly') } }, hub: { publish: () => {} }, log })
  const outcome = t.rejects(marks.do(read('00000000-0000-7000-8000-000000000000', 'bob')), { code: 'OUTCOME_UNKNOWN' })
  await asked.promise
  await marks.drain()
  await outcome
})

t.test('too many that wait', async t => {
  const { promise, resolve } = Promise.withResolvers<Marking[]>()
  const marks = groupMarks({ db: { query: async () => promise as never }, hub: { publish: () => {} }, log })
  const chatId = '00000000-0000-7000-8000-000000000000'
  const outcomes = Array.from({ length: 10_002 }, (_, n) => marks.do(read(chatId, `user${n}`)))
  await t.rejects(marks.do(read(chatId, 'one more')), { code: 'OVERLOADED', retryable: true, retryAfterMs: 1_000 })
  resolve(Promise.reject(new Error('enough')))
  t.match(new Set((await Promise.allSettled(outcomes)).map(({ status }) => status)), new Set(['rejected']))
})

t.end()
