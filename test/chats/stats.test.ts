// What a chat says of itself in numbers, and what that costs.
import t from 'tap'
import { chatStats } from '../../src/chats/list-queries.ts'
import type { CommandResult } from '../../src/contract.ts'
import type { Queryable } from '../../src/plugins/database.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const sql = await connectSql(t, parley)
type Stats = CommandResult<'get_stats'>
const statsOf = (userId: string, chatId: string) => request<Stats>(parley, userId, 'GET', `/sessions/${chatId}/stats`)
const DAY = 86_400_000
const dayOf = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY).toISOString().slice(0, 10)

t.test('an empty chat', async t => {
  const stats = await statsOf('alice', await makeGroup(parley, 'alice', ['bob']))
  t.match(stats, { messageCount: 0, memberCount: 2, attachmentCount: 0, byType: [], byMember: [], reactions: [], users: {} })
  t.strictSame(stats.byDay.map(({ date }) => date), Array.from({ length: 30 }, (_, n) => dayOf(29 - n)), 'thirty days, oldest first')
  t.ok(stats.byDay.every(({ count }) => count === 0))
})

t.test('by type, by member, by reaction; the same for all, but for whom they block', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
  const first = await send(parley, 'alice', chatId, 'one')
  for (const content of ['two', 'three']) await send(parley, 'bob', chatId, content)
  const gone = await send(parley, 'carol', chatId, 'four')
  await request(parley, 'carol', 'DELETE', `/messages/${gone.id}`)
  for (const [userId, emoji] of [['alice', '👍'], ['bob', '👍'], ['bob', ':party:']] as const) await request(parley, userId, 'POST', `/messages/${first.id}/reactions`, { emoji })
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['dave', 'erin'] })
  await request(parley, 'erin', 'DELETE', `/sessions/${chatId}`)
  const wanted = {
    chatId,
    messageCount: 4,
    memberCount: 4,
    byType: [{ type: 'TEXT', count: 4 }, { type: 'SYSTEM', count: 2 }],
    byMember: [{ userId: 'bob', count: 2 }, { userId: 'alice', count: 1 }, { userId: 'carol', count: 1 }],
    reactions: [{ emoji: '👍', count: 2 }, { emoji: ':party:', count: 1 }],
  }
  const found = await statsOf('alice', chatId)
  t.match(found, { ...wanted, users: { alice: {}, bob: {}, carol: {} } })
  t.match(found.byDay.at(-1), { date: dayOf(0), count: 4 })
  t.strictSame(await statsOf('dave', chatId), found, 'who came later sees the same')
  t.strictSame(await (await signIn(t, parley, 'bob')).command('get_stats', { chatId }), found)
  await request(parley, 'dave', 'PUT', '/blocks/bob')
  const blocking = await statsOf('dave', chatId)
  t.match(blocking, { ...wanted, byMember: wanted.byMember.slice(1) })
  t.notOk(JSON.stringify(blocking).includes('bob'))
  for (const userId of ['erin', 'zoe']) await t.rejects(statsOf(userId, chatId), { code: 'CHAT_NOT_FOUND' })
})

/** So many messages, of which every tenth is an IMAGE and every hundredth a SYSTEM message, spread evenly over the days until now. */
async function fill (chatId: string, count: number, days: number): Promise<void> {
  await sql.rows(`INSERT INTO chat.chat_message (chat_id, seq, revision, ordinal, sender_ordinal, sender_id, type, content, system, client_message_id, request_hash, created_at)
    SELECT $1, n, n + 10, n - n / 100, CASE WHEN n % 100 = 0 THEN 0 ELSE n - n / 100 END, CASE WHEN n % 100 <> 0 THEN 'alice' END,
      (CASE WHEN n % 100 = 0 THEN 'SYSTEM' WHEN n % 10 = 0 THEN 'IMAGE' ELSE 'TEXT' END)::chat.message_type, 'x', CASE WHEN n % 100 = 0 THEN '{}'::jsonb END, 'key ' || n, 'hash',
      now() - make_interval(secs => 86400.0 * $3::integer * ($2::integer - n) / $2::integer) FROM generate_series(1, $2::integer) n`, [chatId, count, days])
  await sql.rows('UPDATE chat.chat_head SET last_seq = $2, last_revision = $2::integer + 10, last_ordinal = $2::integer - $2::integer / 100, last_ordinal_seq = $2::integer - 1 WHERE chat_id = $1', [chatId, count])
}

const naive = (chatId: string) => sql.rows<{ date: string, count: number }>(
  `SELECT to_char(d, 'YYYY-MM-DD') AS date, (SELECT count(*)::integer FROM chat.chat_message m WHERE m.chat_id = $1 AND m.type <> 'SYSTEM' AND (m.created_at AT TIME ZONE 'UTC')::date = d::date) AS count
   FROM generate_series((now() AT TIME ZONE 'UTC')::date - 29, (now() AT TIME ZONE 'UTC')::date, interval '1 day') d ORDER BY 1`, [chatId])

t.test('by day, as counted one by one', async t => {
  for (const [count, days] of [[1000, 100], [1000, 3], [100, 60], [1, 0]] as const) {
    const chatId = await makeGroup(parley, 'alice')
    await fill(chatId, count, days)
    t.strictSame((await statsOf('alice', chatId)).byDay, await naive(chatId), `${count} messages in ${days} days`)
    // Retention has taken the oldest away.
    const minSeq = Math.ceil(count * 0.9)
    await sql.rows('DELETE FROM chat.chat_message WHERE chat_id = $1 AND seq < $2', [chatId, minSeq])
    await sql.rows('UPDATE chat.chat_head SET min_seq = $2 WHERE chat_id = $1', [chatId, minSeq])
    const { byDay, byType, messageCount } = await statsOf('alice', chatId)
    t.strictSame(byDay, await naive(chatId), 'of what is left')
    t.equal(messageCount, count - Math.floor(count / 100), 'of all that was ever said')
    t.strictSame(Object.fromEntries(byType.map(each => [each.type, each.count])), Object.fromEntries((await sql.rows<{ type: string, count: number }>(
      'SELECT type, count(*)::integer AS count FROM chat.chat_message WHERE chat_id = $1 GROUP BY type', [chatId])).map(({ type, count }) => [type, count])))
  }
})

t.test('the most busy fifty members', async t => {
  const chatId = await makeGroup(parley, 'alice', Array.from({ length: 60 }, (_, n) => `member ${n}`))
  await sql.rows("UPDATE chat.chat_participant SET sent_count = substr(user_id, 8)::integer WHERE chat_id = $1 AND user_id LIKE 'member %'", [chatId])
  const { byMember, users } = await statsOf('alice', chatId)
  t.strictSame(byMember, Array.from({ length: 50 }, (_, n) => ({ userId: `member ${59 - n}`, count: 59 - n })))
  t.equal(Object.keys(users).length, 50)
})

t.test('a long history is not read', async t => {
  const chatId = await makeGroup(parley, 'alice')
  await fill(chatId, 60_000, 400)
  await sql.rows('VACUUM ANALYZE chat.chat_message')
  const db: Queryable = { query: (statement, values) => sql.client.query({ ...statement, values }).then(({ rows }) => rows) }
  const read = async () => (await sql.row<{ rows: number }>(
    "SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::integer AS rows FROM pg_stat_xact_user_tables WHERE relid = 'chat.chat_message'::regclass")).rows
  await sql.rows('BEGIN')
  const before = await read()
  for (let n = 0; n < 7; n++) t.match(await chatStats(db, chatId, 'alice'), { byType: [{ type: 'TEXT', count: 54_000 }, { type: 'IMAGE', count: 5_400 }, { type: 'SYSTEM', count: 600 }] })
  const rows = (await read() - before) / 7
  await sql.rows('COMMIT')
  // The days are found by bisection: 30 days, 16 steps each at most. The images are counted in their index.
  t.ok(rows < 600, `${rows} rows of 60,000`)
})

t.end()
