import type { Database } from '../../src/plugins/database.ts'

// People and chats as a benchmark needs them, by their numbers. The rows are what Parley itself would have written.

export const userOf = (n: number): string => `user${n}`

/** So that also a script of pgbench can say it: `CHAT_OF_CLIENT`. */
export const chatOf = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`

export async function makeUsers (db: Database, count: number): Promise<void> {
  await db.pool.query("INSERT INTO chat.chat_user (id) SELECT 'user' || n FROM generate_series(0, $1::integer - 1) n ON CONFLICT DO NOTHING", [count])
  await db.pool.query("INSERT INTO chat.user_inbox (user_id, inbox_revision) SELECT 'user' || n, 1 FROM generate_series(0, $1::integer - 1) n ON CONFLICT (user_id) DO UPDATE SET inbox_revision = 1", [count])
}

/** Chat n is that of the users 2n and 2n + 1. */
export async function makeDirectChats (db: Database, count: number): Promise<void> {
  await makeUsers(db, 2 * count)
  await db.pool.query(`INSERT INTO chat.chat_session (id, type, direct_low, direct_high, created_by_id)
    SELECT i.id::uuid, 'DIRECT', least(u.a COLLATE "C", u.b COLLATE "C"), greatest(u.a COLLATE "C", u.b COLLATE "C"), u.a
    FROM unnest($1::text[]) WITH ORDINALITY AS i (id, n) CROSS JOIN LATERAL (SELECT 'user' || 2 * (i.n - 1) AS a, 'user' || 2 * i.n - 1 AS b) u`, [Array.from({ length: count }, (_, n) => chatOf(n))])
  await db.pool.query("INSERT INTO chat.chat_head (chat_id, last_revision, member_count) SELECT c.id, 1, 2 FROM chat.chat_session c WHERE c.type = 'DIRECT'")
  await db.pool.query(`INSERT INTO chat.chat_participant (chat_id, user_id, join_revision, revision, inbox_revision)
    SELECT c.id, u, 1, 1, 1 FROM chat.chat_session c CROSS JOIN LATERAL unnest(ARRAY[c.direct_low, c.direct_high]) u WHERE c.type = 'DIRECT'`)
}

/** A chat with the users 0 … memberCount - 1 in it. */
export async function makeGroup (db: Database, chatId: string, memberCount: number): Promise<void> {
  await makeUsers(db, memberCount)
  await db.pool.query("INSERT INTO chat.chat_session (id, type, name, created_by_id) VALUES ($1, 'GROUP', 'a group', 'user0')", [chatId])
  await db.pool.query('INSERT INTO chat.chat_head (chat_id, last_revision, member_count) VALUES ($1, 1, $2)', [chatId, memberCount])
  await db.pool.query(`INSERT INTO chat.chat_participant (chat_id, user_id, role, join_revision, revision, inbox_revision)
    SELECT $1, 'user' || n, CASE n WHEN 0 THEN 'OWNER' ELSE 'MEMBER' END::chat.participant_role, 1, 1, 1 FROM generate_series(0, $2::integer - 1) n`, [chatId, memberCount])
}

export const CONTENT = 'What a message says that is neither long nor short: about a hundred characters, in plain letters.'

/** The statement by which Parley sends (see messages/queries.ts), for pgbench: one message, to the chat and by the user that are given as SQL. */
export function sendScript (chatId: string, userId: string): string {
  return `SELECT s.status, s.code, s.chat_id, s.seq, s.revision, s.previous_revision, s.retry_after_ms, s.watermark::text, s.participant::text, s.thread_root::text, s.message::text
    FROM chat.send_messages(jsonb_build_array(jsonb_build_object('chatId', ${chatId}, 'senderId', ${userId}, 'type', 'TEXT', 'content', '${CONTENT}', 'metadata', '{}'::jsonb,
      'clientMessageId', gen_random_uuid()::text, 'requestHash', 'hash', 'searchKeys', lower('${CONTENT}'))), true, false) s;`.replace(/\s+/g, ' ') + '\n'
}

export const CHAT_OF_CLIENT = "'00000000-0000-7000-8000-' || lpad((:client_id)::text, 12, '0')"
