import { EncodedJson } from '../json.ts'
import type { Queryable } from '../plugins/database.ts'
import type { MessageKey } from './message-id.ts'
import type { PageEnds, PageRange } from './range.ts'

export interface ThreadRows extends PageEnds { page: EncodedJson }

/** The replies in the thread of a message (its own, or the one that it is in), ascending; undefined: the viewer may not see the message. */
export async function listReplies (db: Queryable, { chatId, seq }: MessageKey, userId: string, range: PageRange): Promise<ThreadRows | undefined> {
  const half = (condition: string, order: string, limit: string) => `
    SELECT m FROM chat.chat_message m
    WHERE m.chat_id = $1 AND m.thread_root_seq = (SELECT t.seq FROM top t) AND m.seq > (SELECT t.bound FROM top t) AND m.seq ${condition} AND NOT chat.is_hidden($1, m.seq, $2)
    ORDER BY m.seq ${order} LIMIT ${limit}`
  const [row] = await db.query<Omit<ThreadRows, 'page'> & { page: string }>({
    name: 'messages.listReplies',
    text: `WITH viewer AS MATERIALIZED (SELECT * FROM chat.viewer($1, $2)),
      top AS MATERIALIZED (
        SELECT coalesce(q.thread_root_seq, q.seq) AS seq, v.bound FROM viewer v JOIN chat.chat_message q ON q.chat_id = $1 AND q.seq = $7
        WHERE q.seq > v.bound AND NOT chat.is_hidden($1, $7, $2)),
      older AS MATERIALIZED (${half('< $3', 'DESC', '$4 + 1')}),
      newer AS MATERIALIZED (${half('> $5', 'ASC', '$6 + 1')}),
      page AS MATERIALIZED (
        (SELECT o.m FROM older o ORDER BY (o.m).seq DESC LIMIT $4) UNION ALL (SELECT n.m FROM newer n ORDER BY (n.m).seq LIMIT $6)),
      shown AS (
        SELECT coalesce(json_agg(chat.message_json_for(page.m, v.blocked) ORDER BY (page.m).seq), '[]'::json) AS data,
          array_agg((page.m).reply_to_seq) AS replied, array_agg(DISTINCT (page.m).sender_id) AS senders,
          coalesce(min((page.m).seq), 0) AS first_seq, coalesce(max((page.m).seq), 0) AS last_seq
        FROM page, viewer v)
      SELECT json_build_object(
          'root', CASE WHEN root.seq IS NULL THEN '{"unavailable": true}'::json ELSE chat.message_json_for(root, v.blocked) END,
          'data', s.data, 'related', chat.related_json($1, s.replied, $2, v.bound, v.blocked), 'users', chat.users_json(s.senders || root.sender_id),
          'unreadCount', chat.thread_unread_count(v.h, v.p, t.seq))::text AS page,
        s.first_seq AS "firstSeq", s.last_seq AS "lastSeq", (SELECT count(*) FROM older) > $4 AS older, (SELECT count(*) FROM newer) > $6 AS newer
      FROM viewer v CROSS JOIN top t CROSS JOIN shown s
      LEFT JOIN chat.chat_message root ON root.chat_id = $1 AND root.seq = t.seq AND root.seq > v.bound AND NOT chat.is_hidden($1, root.seq, $2)`,
  }, [chatId, userId, range.before, range.olderLimit, range.after, range.newerLimit, seq])
  return row && { ...row, page: new EncodedJson(row.page) }
}

/** A reply is no longer there (-1), or is there again (+1). @returns the JSON of the message at the top */
export async function countReply (db: Queryable, { chatId, seq }: MessageKey, revision: number, difference: 1 | -1): Promise<string> {
  const [row] = await db.query<{ message: string }>({
    name: 'messages.countReply',
    text: `UPDATE chat.chat_message AS m SET revision = $3, reply_count = m.reply_count + $4, last_reply_seq = (
             SELECT r.seq FROM chat.chat_message r
             WHERE r.chat_id = $1 AND r.thread_root_seq = $2 AND r.deleted_at IS NULL ORDER BY r.seq DESC LIMIT 1)
           WHERE m.chat_id = $1 AND m.seq = $2 RETURNING chat.message_json(m)::text AS message`,
  }, [chatId, seq, revision, difference])
  if (!row) throw new Error('The top of a thread has disappeared under the lock')
  return row.message
}
