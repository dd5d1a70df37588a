import type { Queryable } from '../plugins/database.ts'

/** Chats whose oldest message is older than they keep them, after a chat, in the order of their ids. */
export async function chatsToTrim (db: Queryable, after: string | null, limit: number): Promise<string[]> {
  const rows = await db.query<{ chatId: string }>({
    name: 'messages.chatsToTrim',
    text: `SELECT c.id AS "chatId" FROM chat.chat_session c JOIN chat.chat_head h ON h.chat_id = c.id
           CROSS JOIN LATERAL (
             SELECT m.created_at FROM chat.chat_message m WHERE m.chat_id = c.id AND m.seq >= h.min_seq ORDER BY m.seq LIMIT 1) oldest
           WHERE c.retention_days IS NOT NULL AND c.deleted_at IS NULL AND ($1::uuid IS NULL OR c.id > $1)
             AND oldest.created_at < clock_timestamp() - make_interval(days => c.retention_days)
           ORDER BY c.id LIMIT $2`,
  }, [after, limit])
  return rows.map(row => row.chatId)
}

/** Under the lock of the chat. @returns the oldest seq that is left; null: there was nothing to remove */
export async function trimHistory (db: Queryable, chatId: string, limit: number): Promise<number | null> {
  const [row] = await db.query<{ minSeq: number | null }>({ name: 'messages.trimHistory', text: 'SELECT chat.trim_history($1, $2) AS "minSeq"' }, [chatId, limit])
  return row?.minSeq ?? null
}

export interface VersionKey { chatId: string, seq: number, version: number }
export interface Purged { last: VersionKey | null, removed: number }

/** A message that is being restored at the last moment keeps what it needs for it. */
const GRACE = "interval '1 minute'"

/** Of the next versions in the order of their key, removes those of messages that were deleted longer ago. `last`: null at the end. */
export async function purgeVersions (db: Queryable, deletedContentDays: number, after: VersionKey | null, limit: number): Promise<Purged> {
  const [row] = await db.query<Purged>({
    name: 'messages.purgeVersions',
    text: `WITH page AS MATERIALIZED (
             SELECT v.chat_id, v.seq, v.version FROM chat.message_version v
             WHERE $2::uuid IS NULL OR (v.chat_id, v.seq, v.version) > ($2, $3::integer, $4::integer)
             ORDER BY v.chat_id, v.seq, v.version LIMIT $5),
           purged AS (
             DELETE FROM chat.message_version v USING page p JOIN chat.chat_message m ON m.chat_id = p.chat_id AND m.seq = p.seq
             WHERE v.chat_id = p.chat_id AND v.seq = p.seq AND v.version = p.version
               AND m.deleted_at + make_interval(secs => $1 * 86400) + ${GRACE} < clock_timestamp()
             RETURNING v.version)
           SELECT (SELECT json_build_object('chatId', p.chat_id, 'seq', p.seq, 'version', p.version) FROM page p ORDER BY p.chat_id DESC, p.seq DESC, p.version DESC LIMIT 1) AS last,
             (SELECT count(*)::integer FROM purged) AS removed`,
  }, [deletedContentDays, after?.chatId ?? null, after?.seq ?? null, after?.version ?? null, limit])
  return row ?? { last: null, removed: 0 }
}
