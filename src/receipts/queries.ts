import type { Queryable } from '../plugins/database.ts'
import type { MessageKey } from '../messages/message-id.ts'
import type { Receipts, Unread } from './schemas.ts'
import type { Static } from 'typebox'

export interface Advanced {
  updated: boolean
  at: Date
  readSeq: number
  deliveredSeq: number
  unreadCount: number
  /** Whether everybody in the chat is told. */
  isSmall: boolean
  wasMarkedUnread: boolean
}

/**
 * Moves a member's watermark up to a seq (null: to the newest message), never back, never past the newest. Reading is
 * having got; what was read at once is one interval. The row lock is the member's own: the chat goes on meanwhile.
 */
export async function advanceWatermark (db: Queryable, mark: 'read' | 'delivered', chatId: string, userId: string, upToSeq: number | null): Promise<Advanced | undefined> {
  const [row] = await db.query<Advanced>({
    name: `receipts.advance.${mark}`,
    text: `WITH viewer AS (SELECT v.h, v.c FROM chat.viewer($1, $2) v),
      mine AS (SELECT p.read_seq, p.delivered_seq, p.state FROM chat.chat_participant p WHERE p.chat_id = $1 AND p.user_id = $2 FOR NO KEY UPDATE),
      target AS (
        SELECT v.h, m.read_seq, m.delivered_seq, clock_timestamp() AS at, least(coalesce($3::integer, (v.h).last_seq), (v.h).last_seq) AS seq,
          (v.h).member_count <= chat.small_chat_members() AND (v.c).type <> 'STREAM' AS is_small
        FROM viewer v, mine m WHERE m.state = 'JOINED'),
      moved AS (
        UPDATE chat.chat_participant AS p SET ${mark === 'read' ? 'read_seq = t.seq, last_read_at = t.at, ' : ''}delivered_seq = greatest(p.delivered_seq, t.seq)
        FROM target t WHERE p.chat_id = $1 AND p.user_id = $2 AND t.seq > t.${mark}_seq RETURNING p AS now),
      interval AS (
        INSERT INTO chat.message_read (chat_id, user_id, from_seq, to_seq, read_at)
        SELECT $1, $2, t.read_seq + 1, t.seq, t.at FROM target t WHERE ${mark === 'read'} AND t.is_small AND t.seq > t.read_seq)
      SELECT (m.now).chat_id IS NOT NULL AS updated, t.at, t.is_small AS "isSmall", p.marked_unread AS "wasMarkedUnread",
        greatest(t.read_seq, (m.now).read_seq) AS "readSeq", greatest(t.delivered_seq, (m.now).delivered_seq) AS "deliveredSeq",
        chat.unread_count(t.h, coalesce(m.now, p)) AS "unreadCount"
      FROM target t JOIN chat.chat_participant p ON p.chat_id = $1 AND p.user_id = $2 LEFT JOIN moved m ON true`,
  }, [chatId, userId, upToSeq])
  return row
}

/** Whether a message of this number is within what the user may see; undefined: they are not in the chat. */
export async function isVisible (db: Queryable, chatId: string, userId: string, seq: number): Promise<boolean | undefined> {
  const [row] = await db.query<{ visible: boolean }>({
    name: 'receipts.isVisible', text: 'SELECT $3 > v.bound AND $3 <= (v.h).last_seq AS visible FROM chat.viewer($1, $2) v',
  }, [chatId, userId, seq])
  return row?.visible
}

export async function chatUnread (db: Queryable, chatId: string, userId: string): Promise<number | undefined> {
  const [row] = await db.query<{ unreadCount: number }>({
    name: 'receipts.chatUnread', text: 'SELECT chat.unread_count(v.h, v.p) AS "unreadCount" FROM chat.viewer($1, $2) v',
  }, [chatId, userId])
  return row?.unreadCount
}

/** Over all chats. The totals leave out the muted and the archived ones. */
export async function allUnread (db: Queryable, userId: string): Promise<Static<typeof Unread>> {
  const [row] = await db.query<Static<typeof Unread>>({
    name: 'receipts.allUnread',
    text: `WITH counted AS (
             SELECT p.chat_id, chat.unread_count(h, p) AS unread, coalesce(p.muted_until > now(), false) OR chat.is_archived(h, p) AS quiet
             FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
             WHERE p.user_id = $1 AND p.state = 'JOINED' AND c.deleted_at IS NULL AND NOT chat.is_request_for(c, $1) AND h.last_ordinal_seq > p.read_seq)
           SELECT coalesce(sum(k.unread) FILTER (WHERE NOT k.quiet), 0)::integer AS "totalUnread", 0 AS "totalMentions",
             coalesce(json_agg(json_build_object('chatId', k.chat_id, 'unreadCount', k.unread, 'mentionCount', 0) ORDER BY k.chat_id)
               FILTER (WHERE k.unread > 0), '[]'::json) AS chats
           FROM counted k`,
  }, [userId])
  return row ?? { totalUnread: 0, totalMentions: 0, chats: [] }
}

/** Who has got and read a message; undefined: the viewer may not see it. Times are kept in chats of up to 256. */
export async function messageReceipts (db: Queryable, { chatId, seq }: MessageKey, userId: string): Promise<Static<typeof Receipts>['data'] | undefined> {
  const [row] = await db.query<{ data: Static<typeof Receipts>['data'] }>({
    name: 'receipts.messageReceipts',
    text: `SELECT coalesce((
             SELECT json_agg(json_build_object('userId', p.user_id, 'status', CASE WHEN p.read_seq >= $2 THEN 'read' ELSE 'delivered' END, 'readAt', chat.rfc3339(r.read_at))
               ORDER BY r.read_at, p.user_id)
             FROM chat.chat_participant p
             LEFT JOIN LATERAL (
               SELECT x.from_seq, x.read_at FROM chat.message_read x
               WHERE x.chat_id = p.chat_id AND x.user_id = p.user_id AND x.to_seq >= $2 ORDER BY x.to_seq LIMIT 1) r ON r.from_seq <= $2
             WHERE p.chat_id = $1 AND p.state = 'JOINED' AND p.user_id IS DISTINCT FROM m.sender_id AND p.delivered_seq >= $2 AND p.visible_from_seq <= $2), '[]'::json) AS data
           FROM chat.viewer($1, $3) v JOIN chat.chat_message m ON m.chat_id = $1 AND m.seq = $2
           WHERE m.seq > v.bound AND NOT chat.is_hidden($1, $2, $3)`,
  }, [chatId, seq, userId])
  return row?.data
}
