import { EncodedJson } from '../json.ts'
import type { Queryable } from '../plugins/database.ts'
import type { MessageKey } from './message-id.ts'
import { insertMentions } from './queries.ts'

/** What a message lost when it was deleted is its newest version, for so many days. `$1`, `$2`: its key; `$3`: the days. */
const deletedContent = `
  SELECT x.version, x.content, x.metadata, x.mentions, x.forwarded_from, m.deleted_at + make_interval(secs => $3 * 86400) AS until
  FROM chat.chat_message m CROSS JOIN LATERAL (
    SELECT v.* FROM chat.message_version v WHERE v.chat_id = m.chat_id AND v.seq = m.seq ORDER BY v.version DESC LIMIT 1) x
  WHERE m.chat_id = $1 AND m.seq = $2 AND m.deleted_at + make_interval(secs => $3 * 86400) > clock_timestamp()`

/** The newest so many are shown. */
const MAX_VERSIONS = 100

/** A message as it is, with what it said before, and before it was deleted; whoever may see it, and of whatever chat. */
export async function messageForAdmin (db: Queryable, { chatId, seq }: MessageKey, deletedContentDays: number): Promise<EncodedJson | undefined> {
  const [row] = await db.query<{ view: string }>({
    name: 'messages.messageForAdmin',
    text: `SELECT json_build_object('message', chat.message_json(m),
             'deleted', (SELECT json_build_object('content', d.content, 'metadata', d.metadata, 'mentions', coalesce(d.mentions, '{"userIds": [], "all": false}'::jsonb),
                'forwardedFrom', d.forwarded_from, 'restorableUntil', chat.rfc3339(d.until)) FROM (${deletedContent}) d),
             'versions', (SELECT coalesce(json_agg(json_build_object('version', v.version, 'content', v.content, 'metadata', v.metadata,
                'replacedAt', chat.rfc3339(v.replaced_at)) ORDER BY v.version), '[]'::json)
                FROM (SELECT * FROM chat.message_version x WHERE x.chat_id = $1 AND x.seq = $2
                        AND (m.deleted_at IS NULL OR m.deleted_at + make_interval(secs => $3 * 86400) > clock_timestamp())
                      ORDER BY x.version DESC LIMIT ${MAX_VERSIONS}) v),
             'users', chat.users_json(ARRAY[m.sender_id, m.deleted_by_id]))::text AS view
           FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq = $2`,
  }, [chatId, seq, deletedContentDays])
  return row && new EncodedJson(row.view)
}

export interface Restorable { message: string, senderId: string | null, threadRootSeq: number | null, deleted: boolean, restorable: boolean }

/** Call it under the chat's lock. undefined: there is none, or retention has passed it. */
export async function restorable (db: Queryable, { chatId, seq }: MessageKey, deletedContentDays: number): Promise<Restorable | undefined> {
  const [row] = await db.query<Restorable>({
    name: 'messages.restorable',
    text: `SELECT chat.message_json(m)::text AS message, m.sender_id AS "senderId", m.deleted_at IS NOT NULL AS deleted, EXISTS (SELECT FROM (${deletedContent}) d WHERE d.content IS NOT NULL OR d.metadata <> '{}' OR m.type = 'SYSTEM') AS restorable,
             (SELECT r.seq FROM chat.chat_message r WHERE r.chat_id = $1 AND r.seq = m.thread_root_seq) AS "threadRootSeq"
           FROM chat.chat_message m JOIN chat.chat_head h ON h.chat_id = m.chat_id AND m.seq >= h.min_seq
           WHERE m.chat_id = $1 AND m.seq = $2`,
  }, [chatId, seq, deletedContentDays])
  return row
}

/** Takes back what the deletion has put to the versions: a text, since its files have gone. @returns the JSON of the message */
export async function restoreMessage (db: Queryable, { chatId, seq }: MessageKey, revision: number): Promise<string> {
  const [row] = await db.query<{ message: string }>({
    name: 'messages.restoreMessage',
    text: `WITH kept AS (
             DELETE FROM chat.message_version v WHERE v.chat_id = $1 AND v.seq = $2
               AND v.version = (SELECT max(x.version) FROM chat.message_version x WHERE x.chat_id = $1 AND x.seq = $2)
             RETURNING v.*)
           UPDATE chat.chat_message AS m SET type = CASE WHEN m.type IN ('SYSTEM', 'ENCRYPTED') THEN m.type ELSE 'TEXT' END, content = k.content, metadata = k.metadata, mentions = k.mentions, forwarded_from = k.forwarded_from,
             deleted_at = NULL, deleted_by_id = NULL, revision = $3
           FROM kept k WHERE m.chat_id = $1 AND m.seq = $2 RETURNING chat.message_json(m)::text AS message`,
  }, [chatId, seq, revision])
  if (!row) throw new Error('What a message said has disappeared under the lock')
  await insertMentions(db, { chatId, seq })
  return row.message
}
