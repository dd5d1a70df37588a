import { EncodedJson } from '../json.ts'
import type { MessageKey } from '../messages/message-id.ts'
import type { Queryable } from '../plugins/database.ts'

/** Pins the message, or (without a user) takes the pin off. @returns the JSON of the message */
export async function setPin (db: Queryable, { chatId, seq }: MessageKey, revision: number, pinnedById: string | null): Promise<string> {
  const [row] = await db.query<{ message: string }>({
    name: 'pins.setPin',
    text: `UPDATE chat.chat_message AS m SET pinned_by_id = $4, pinned_at = CASE WHEN $4::text IS NOT NULL THEN clock_timestamp() END, revision = $3
           WHERE m.chat_id = $1 AND m.seq = $2 RETURNING chat.message_json(m)::text AS message`,
  }, [chatId, seq, revision, pinnedById])
  if (!row) throw new Error('A message that is locked has disappeared')
  return row.message
}

/** Where a page of pins ends. */
export interface PinCursor { at: string, seq: number }

/** Newest pin first; undefined: the viewer is not in the chat. */
export async function listPins (
  db: Queryable, chatId: string, userId: string, before: PinCursor | undefined, limit: number
): Promise<{ page: EncodedJson, last: PinCursor | null } | undefined> {
  const [row] = await db.query<{ page: string, last: PinCursor | null }>({
    name: 'pins.listPins',
    text: `WITH viewer AS (SELECT * FROM chat.viewer($1, $2)),
      found AS MATERIALIZED (
        SELECT m FROM chat.chat_message m, viewer v
        WHERE m.chat_id = $1 AND m.pinned_at IS NOT NULL AND m.seq > v.bound AND NOT chat.is_hidden($1, m.seq, $2)
          AND ($3::timestamptz IS NULL OR (m.pinned_at, m.seq) < ($3::timestamptz, $4::integer))
        ORDER BY m.pinned_at DESC, m.seq DESC LIMIT $5 + 1),
      page AS MATERIALIZED (SELECT f.m FROM found f ORDER BY (f.m).pinned_at DESC, (f.m).seq DESC LIMIT $5)
      SELECT json_build_object(
          'data', (SELECT coalesce(json_agg(chat.message_json_for(p.m, v.blocked) ORDER BY (p.m).pinned_at DESC, (p.m).seq DESC), '[]'::json) FROM page p),
          'related', chat.related_json($1, ARRAY(SELECT unnest(ARRAY[(p.m).reply_to_seq, (p.m).thread_root_seq]) FROM page p), $2, v.bound, v.blocked),
          'users', chat.users_json(ARRAY(SELECT (p.m).sender_id FROM page p)))::text AS page,
        (SELECT json_build_object('at', chat.rfc3339((p.m).pinned_at), 'seq', (p.m).seq) FROM page p
         WHERE (SELECT count(*) FROM found) > $5 ORDER BY (p.m).pinned_at, (p.m).seq LIMIT 1) AS last
      FROM viewer v`,
  }, [chatId, userId, before?.at ?? null, before?.seq ?? null, limit])
  return row && { page: new EncodedJson(row.page), last: row.last }
}
