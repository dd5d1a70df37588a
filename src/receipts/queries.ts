import type { Queryable } from '../plugins/database.ts'
import type { MessageKey } from '../messages/message-id.ts'
import type { Receipt, Unread } from './schemas.ts'
import type { Static } from 'typebox'

/** What a member has got, or read and so got. */
export interface Mark {
  chatId: string
  userId: string
  isRead: boolean
  /** null: to the newest message. */
  upToSeq: number | null
  /** It is the seq of a message that has to be there for them; otherwise it is cut to what there is. */
  isNamed: boolean
}

export type Marking =
  | Marked
  /** Of a STREAM, who has nothing to mark. */
  | { status: 'onlooker', at: Date, readSeq: number, deliveredSeq: number }
  | { status: 'rejected', code: string | null }
  | { status: 'busy', code: null }

export interface Marked {
  status: 'marked'
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

/** Moves watermarks, of a member in a chat one at most: see `chat.mark_many`. One outcome a mark, in their order. */
export async function markMany (db: Queryable, marks: Mark[], { wait }: { wait: boolean }): Promise<Marking[]> {
  return db.query<Marking>({
    name: 'receipts.markMany',
    text: `SELECT m.status, m.code, m.at, m.read_seq AS "readSeq", m.delivered_seq AS "deliveredSeq", m.public_read_seq AS "publicReadSeq",
             m.read_moved AS "readMoved", m.delivered_moved AS "deliveredMoved", m.public_read_moved AS "publicReadMoved",
             m.unread_count AS "unreadCount", m.mention_count AS "mentionCount", m.is_small AS "isSmall", m.blocked, m.was_marked_unread AS "wasMarkedUnread"
           FROM chat.mark_many($1::jsonb, $2) m`,
  }, [JSON.stringify(marks), wait])
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
