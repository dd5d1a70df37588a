// Who is far behind is not counted what was deleted one by one: by sums over blocks. They are exact, wherever somebody stands.
import t from 'tap'
import { randomFrom } from '../bench/corpus.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup } from '../helpers/world.ts'

/** More than two blocks of the second level. */
const MESSAGES = 20_000
const SEED = 7

const parley = await startParley(t)
const sql = await connectSql(t, parley)
const random = randomFrom(SEED)
const chatId = await makeGroup(parley, 'alice', ['bob', 'carol', 'dave'])
await request(parley, 'dave', 'PUT', '/blocks/bob')
await sql.rows(`INSERT INTO chat.chat_message (chat_id, seq, revision, ordinal, sender_ordinal, sender_id, type, system, content, client_message_id, request_hash, created_at)
  SELECT $1, n, n + 10, n - n / 7, CASE WHEN n % 7 = 0 THEN 0 ELSE (n - n / 7 + 2) / 3 END, CASE WHEN n % 7 > 0 THEN (ARRAY['alice', 'bob', 'carol'])[(n - n / 7 - 1) % 3 + 1] END,
    (CASE WHEN n % 7 = 0 THEN 'SYSTEM' ELSE 'TEXT' END)::chat.message_type, CASE WHEN n % 7 = 0 THEN '{}'::jsonb END, 'message', n, 'hash', now() FROM generate_series(1, $2::integer) n`, [chatId, MESSAGES])
await sql.rows('UPDATE chat.chat_head SET last_seq = $2::integer, last_revision = $2::integer + 10, last_ordinal = $2::integer - $2::integer / 7, last_ordinal_seq = $2::integer WHERE chat_id = $1', [chatId, MESSAGES])
await sql.rows('UPDATE chat.chat_participant p SET sent_count = (SELECT count(*) FROM chat.chat_message m WHERE m.chat_id = p.chat_id AND m.sender_id = p.user_id) WHERE p.chat_id = $1', [chatId])

/** As it is told, and as it is when everything is counted: not SYSTEM, not mine, not deleted, not hidden, not from whom I block. */
async function counts (userId: string, readSeq: number): Promise<{ told: number, counted: number }> {
  await sql.rows('UPDATE chat.chat_participant SET read_seq = $3, delivered_seq = $4 WHERE chat_id = $1 AND user_id = $2', [chatId, userId, readSeq, MESSAGES])
  const { unreadCount: told } = await request<{ unreadCount: number }>(parley, userId, 'GET', `/sessions/${chatId}/unread`)
  const { counted } = await sql.row<{ counted: number }>(`SELECT count(*)::integer AS counted FROM chat.chat_message m
    WHERE m.chat_id = $1 AND m.seq > $3 AND m.type <> 'SYSTEM' AND m.sender_id <> $2 AND m.deleted_at IS NULL
      AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = m.chat_id AND x.seq = m.seq AND x.user_id = $2)
      AND NOT EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = $2 AND b.blocked_user_id = m.sender_id)`, [chatId, userId, readSeq])
  return { told, counted }
}

const seqs = () => [0, 1, 254, 255, 256, 257, 8_190, 8_191, 8_192, 8_193, 16_383, MESSAGES - 1, MESSAGES, ...Array.from({ length: 40 }, () => Math.floor(random() * MESSAGES))]

for (const [what, statement] of [
  ['nothing is deleted', 'SELECT'],
  ['some are deleted', "UPDATE chat.chat_message SET deleted_at = now(), content = NULL, metadata = '{}' WHERE chat_id = $1 AND (seq * 7919) % 20 = 3"],
  ['whole stretches are deleted', "UPDATE chat.chat_message SET deleted_at = now(), content = NULL, metadata = '{}' WHERE chat_id = $1 AND seq BETWEEN 7000 AND 9000"],
  ['some are restored', 'UPDATE chat.chat_message SET deleted_at = NULL WHERE chat_id = $1 AND seq % 3 = 0'],
  ['some are hidden, deleted ones among them', "INSERT INTO chat.message_hidden (chat_id, user_id, seq, inbox_revision) SELECT $1::uuid, u, n, 1 FROM generate_series(1, 20000, 501) n, unnest(ARRAY['carol', 'dave']) u"],
  ['the oldest are gone', 'SELECT chat.delete_messages($1, 1, 5000)'],
] as const) {
  t.test(what, async t => {
    await sql.rows(statement, statement.includes('$1') ? [chatId] : [])
    for (const userId of ['alice', 'carol', 'dave']) {
      for (const readSeq of seqs()) {
        const { told, counted } = await counts(userId, readSeq)
        t.equal(told, counted, `${userId} at ${readSeq}`)
      }
    }
  })
}

t.test('what is kept of blocks that are gone goes, too', async t => {
  t.strictSame(await sql.rows('SELECT level, min(block) AS block FROM chat.deletion_count WHERE chat_id = $1 GROUP BY 1 ORDER BY 1', [chatId]),
    [{ level: 0, block: 5000 >> 8 }, { level: 1, block: 0 }, { level: 2, block: 0 }, { level: 3, block: 0 }])
})

t.end()
