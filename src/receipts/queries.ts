import type { Queryable } from '../plugins/database.ts'
import type { MessageKey } from '../messages/message-id.ts'
import type { Receipt, Unread } from './schemas.ts'
import type { Static } from 'typebox'

export interface Advanced {
  at: Date
  readSeq: number
  deliveredSeq: number
  /** As far as others are told. */
  publicReadSeq: number
  readMoved: boolean
  deliveredMoved: boolean
  publicReadMoved: boolean
  unreadCount: number
  mentionCount: number
  /** Whether everybody in the chat is told; */
  isSmall: boolean
  /** but for those whom the member blocks, and who asks them and has no answer. */
  blocked: string[]
  wasMarkedUnread: boolean
}

/**
 * Moves a member's watermark up to a seq (null: to the newest message), never back, never past the newest. Reading is
 * having got; what was read (or got) at once is one interval. Who reads privately leaves what others are told where it is,
 * and no interval: nothing is kept that could be told later. What is read again openly is told then. The row lock is the
 * member's own: the chat goes on meanwhile.
 */
export async function advanceWatermark (db: Queryable, mark: 'read' | 'delivered', chatId: string, userId: string, upToSeq: number | null): Promise<Advanced | undefined> {
  const isRead = mark === 'read'
  const [row] = await db.query<Advanced>({
    name: `receipts.advance.${mark}`,
    text: `WITH viewer AS (SELECT v.h, v.c, v.blocked || CASE WHEN chat.is_request_for(v.c, $2) THEN ARRAY[(v.c).requested_by_id] ELSE '{}' END AS blocked FROM chat.viewer($1, $2) v),
      mine AS (
        SELECT p.read_seq, p.delivered_seq, coalesce(p.public_read_seq, p.read_seq) AS public_read_seq, p.state
        FROM chat.chat_participant p WHERE p.chat_id = $1 AND p.user_id = $2 FOR NO KEY UPDATE),
      target AS (
        SELECT v.h, v.blocked, m.read_seq, m.delivered_seq, m.public_read_seq, clock_timestamp() AS at, t.seq, s.is_private,
          ${isRead} AND t.seq > m.read_seq AS read_moves, t.seq > m.delivered_seq AS delivered_moves, ${isRead} AND t.seq > m.public_read_seq AND NOT s.is_private AS public_read_moves,
          (v.h).member_count <= chat.small_chat_members() AND (v.c).type <> 'STREAM' AS is_small
        FROM viewer v, mine m
        CROSS JOIN LATERAL (SELECT least(coalesce($3::integer, (v.h).last_seq), (v.h).last_seq) AS seq) t
        CROSS JOIN (SELECT chat.reads_privately($2) AS is_private) s
        WHERE m.state = 'JOINED'),
      moved AS (
        UPDATE chat.chat_participant AS p SET delivered_seq = greatest(p.delivered_seq, t.seq)${isRead
          ? `, read_seq = greatest(p.read_seq, t.seq), last_read_at = t.at,
          public_read_seq = nullif(CASE WHEN t.is_private THEN t.public_read_seq ELSE greatest(t.public_read_seq, t.seq) END, greatest(p.read_seq, t.seq))`
          : ''}
        FROM target t WHERE p.chat_id = $1 AND p.user_id = $2 AND (t.read_moves OR t.delivered_moves OR t.public_read_moves) RETURNING p AS now),
      read AS (
        INSERT INTO chat.message_read (chat_id, user_id, from_seq, to_seq, read_at)
        SELECT $1, $2, t.public_read_seq + 1, t.seq, t.at FROM target t WHERE t.is_small AND t.public_read_moves),
      got AS (
        INSERT INTO chat.message_delivery (chat_id, user_id, from_seq, to_seq, delivered_at)
        SELECT $1, $2, t.delivered_seq + 1, t.seq, t.at FROM target t WHERE t.is_small AND t.delivered_moves AND NOT t.public_read_moves)
      SELECT t.at, t.is_small AS "isSmall", t.blocked, p.marked_unread AS "wasMarkedUnread",
        t.read_moves AS "readMoved", t.delivered_moves AS "deliveredMoved", t.public_read_moves AS "publicReadMoved",
        greatest(t.read_seq, (m.now).read_seq) AS "readSeq", greatest(t.delivered_seq, (m.now).delivered_seq) AS "deliveredSeq",
        CASE WHEN t.public_read_moves THEN t.seq ELSE t.public_read_seq END AS "publicReadSeq",
        chat.unread_count(t.h, coalesce(m.now, p)) AS "unreadCount", chat.mention_count(t.h, coalesce(m.now, p)) AS "mentionCount"
      FROM target t JOIN chat.chat_participant p ON p.chat_id = $1 AND p.user_id = $2 LEFT JOIN moved m ON true`,
  }, [chatId, userId, upToSeq])
  return row
}

/** Where somebody stands who looks at a STREAM without being in it; undefined: they may not, or are in the chat. */
export async function onlookerHead (db: Queryable, chatId: string, userId: string): Promise<{ readSeq: number, deliveredSeq: number } | undefined> {
  const [row] = await db.query<{ readSeq: number, deliveredSeq: number }>({
    name: 'receipts.onlookerHead',
    text: 'SELECT (v.p).read_seq AS "readSeq", (v.p).delivered_seq AS "deliveredSeq" FROM chat.viewer($1, $2) v WHERE (v.p).state <> \'JOINED\'',
  }, [chatId, userId])
  return row
}

/** Whether a message of this number is within what the user may see; undefined: they are not in the chat. */
export async function isVisible (db: Queryable, chatId: string, userId: string, seq: number): Promise<boolean | undefined> {
  const [row] = await db.query<{ visible: boolean }>({
    name: 'receipts.isVisible', text: 'SELECT $3 > v.bound AND $3 <= (v.h).last_seq AS visible FROM chat.viewer($1, $2) v',
  }, [chatId, userId, seq])
  return row?.visible
}

export async function chatUnread (db: Queryable, chatId: string, userId: string): Promise<{ unreadCount: number, mentionCount: number } | undefined> {
  const [row] = await db.query<{ unreadCount: number, mentionCount: number }>({
    name: 'receipts.chatUnread', text: 'SELECT chat.unread_count(v.h, v.p) AS "unreadCount", chat.mention_count(v.h, v.p) AS "mentionCount" FROM chat.viewer($1, $2) v',
  }, [chatId, userId])
  return row
}

/** Over all chats. The totals leave out the muted and the archived ones. */
export async function allUnread (db: Queryable, userId: string): Promise<Static<typeof Unread>> {
  const [row] = await db.query<Static<typeof Unread>>({
    name: 'receipts.allUnread',
    text: `WITH counted AS (
             SELECT p.chat_id, chat.unread_count(h, p) AS unread, chat.mention_count(h, p) AS mentions, coalesce(p.muted_until > now(), false) OR chat.is_archived(h, p) AS quiet
             FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
             WHERE p.user_id = $1 AND p.state = 'JOINED' AND c.deleted_at IS NULL AND c.type <> 'STREAM' AND NOT chat.is_request_for(c, $1) AND h.last_ordinal_seq > p.read_seq)
           SELECT coalesce(sum(k.unread) FILTER (WHERE NOT k.quiet), 0)::integer AS "totalUnread", coalesce(sum(k.mentions) FILTER (WHERE NOT k.quiet), 0)::integer AS "totalMentions",
             coalesce(json_agg(json_build_object('chatId', k.chat_id, 'unreadCount', k.unread, 'mentionCount', k.mentions) ORDER BY k.chat_id)
               FILTER (WHERE k.unread > 0), '[]'::json) AS chats
           FROM counted k`,
  }, [userId])
  return row ?? { totalUnread: 0, totalMentions: 0, chats: [] }
}

/** Where a page of receipts ends: who comes next was later, or is of no known time. */
export interface ReceiptCursor { at: string | null, userId: string }

/**
 * Who has got and read a message, by the time of the last they did; undefined: the viewer may not see it. Times are kept in
 * chats of up to 256. Not of those who came later, nor of who blocks the viewer or is blocked by them; of who reads
 * privately, only that they have got it.
 */
export async function messageReceipts (
  db: Queryable, { chatId, seq }: MessageKey, userId: string, limit: number, cursor: ReceiptCursor | undefined
): Promise<(Receipt & { at: string | null })[] | undefined> {
  const [row] = await db.query<{ receipts: (Receipt & { at: string | null })[] }>({
    name: 'receipts.messageReceipts',
    text: `SELECT coalesce((
             SELECT json_agg(json_build_object('userId', page.user_id, 'status', CASE WHEN page.is_read THEN 'read' ELSE 'delivered' END,
               'deliveredAt', chat.rfc3339(least(page.delivered_at, page.read_at)), 'readAt', chat.rfc3339(page.read_at), 'at', chat.rfc3339(page.at)) ORDER BY page.at, page.user_id)
             FROM (
               SELECT p.user_id, w.is_read, d.delivered_at, r.read_at, coalesce(r.read_at, d.delivered_at) AS at
               FROM chat.chat_participant p
               CROSS JOIN LATERAL (SELECT CASE WHEN p.user_id = $3 THEN p.read_seq ELSE coalesce(p.public_read_seq, p.read_seq) END >= $2 AS is_read) w
               LEFT JOIN LATERAL (
                 SELECT x.from_seq, x.read_at FROM chat.message_read x
                 WHERE (v.h).member_count <= chat.small_chat_members() AND x.chat_id = p.chat_id AND x.user_id = p.user_id AND x.to_seq >= $2
                 ORDER BY x.to_seq LIMIT 1) r ON r.from_seq <= $2
               LEFT JOIN LATERAL (
                 SELECT x.from_seq, x.delivered_at FROM chat.message_delivery x
                 WHERE (v.h).member_count <= chat.small_chat_members() AND x.chat_id = p.chat_id AND x.user_id = p.user_id AND x.to_seq >= $2
                 ORDER BY x.to_seq LIMIT 1) d ON d.from_seq <= $2
               WHERE p.chat_id = $1 AND p.state = 'JOINED' AND p.user_id IS DISTINCT FROM m.sender_id AND p.delivered_seq >= $2 AND p.visible_from_seq <= $2
                 AND (p.joined_at <= m.created_at OR r.read_at IS NOT NULL OR d.delivered_at IS NOT NULL)
                 AND NOT chat.is_blocked_between(p.user_id, $3) AND (p.user_id = $3 OR NOT chat.awaits_answer($1, $3))
                 AND (NOT $4 OR (coalesce(r.read_at, d.delivered_at, 'infinity'), p.user_id) > (coalesce($5::timestamptz, 'infinity'), $6))
               ORDER BY at, p.user_id LIMIT $7) page), '[]'::json) AS receipts
           FROM chat.viewer($1, $3) v JOIN chat.chat_message m ON m.chat_id = $1 AND m.seq = $2
           WHERE m.seq > v.bound AND NOT chat.is_hidden($1, $2, $3)`,
  }, [chatId, seq, userId, cursor !== undefined, cursor?.at ?? null, cursor?.userId ?? '', limit])
  return row?.receipts
}

export interface SharedWatermark { chatId: string, userId: string, readSeq: number, deliveredSeq: number }

/** What two people may see of each other in the small chats that they share: nothing while one of them blocks the other. */
export async function mutualWatermarks (db: Queryable, userId: string, otherId: string): Promise<SharedWatermark[]> {
  return db.query<SharedWatermark>({
    name: 'receipts.mutualWatermarks',
    text: `SELECT p.chat_id AS "chatId", p.user_id AS "userId", coalesce(p.public_read_seq, p.read_seq) AS "readSeq", p.delivered_seq AS "deliveredSeq"
           FROM chat.chat_participant mine
           JOIN chat.chat_participant theirs ON theirs.chat_id = mine.chat_id AND theirs.user_id = $2 AND theirs.state = 'JOINED'
           JOIN chat.chat_session c ON c.id = mine.chat_id AND c.type <> 'STREAM' AND c.deleted_at IS NULL
           JOIN chat.chat_head h ON h.chat_id = mine.chat_id AND h.member_count <= chat.small_chat_members()
           JOIN chat.chat_participant p ON p.chat_id = mine.chat_id AND p.user_id IN ($1, $2)
           WHERE mine.user_id = $1 AND mine.state = 'JOINED' AND NOT chat.is_blocked_between($1, $2)
             AND (c.request_status IS DISTINCT FROM 'PENDING' OR p.user_id = c.requested_by_id)
           ORDER BY p.chat_id, p.user_id`,
  }, [userId, otherId])
}
