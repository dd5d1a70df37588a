import type { Queryable } from '../plugins/database.ts'

/** What is new in a chat: from this seq on; or what has changed since this revision, where no more is known. */
export interface News { fromSeq: number | null, sinceRevision: number | null }

/** Somebody who is to be told of it, if it concerns them. */
export interface Addressee extends News { chatId: string, userId: string }

export interface Notice { chatId: string, userId: string, /** JSON of the event's data. */ data: string }

/**
 * The notices for all of these people in all of these chats, in one statement: each with the newest of the new messages that
 * they may see, have not read and want to be told of (not from people whom they block, nor muted; with MENTIONS only what
 * mentions them; not from whom they have not accepted). Who wants none of it is left out. Looks at no more than the newest
 * 200 messages of a chat.
 */
export async function noticesFor (db: Queryable, addressees: Addressee[]): Promise<Notice[]> {
  return db.query<Notice>({
    name: 'notices.noticesFor',
    text: `WITH due AS MATERIALIZED (
        SELECT w.chat_id, w.user_id, h, p, newest.m
        FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[]) AS w (chat_id, user_id, from_seq, since)
        JOIN chat.chat_session c ON c.id = w.chat_id AND c.deleted_at IS NULL AND c.type <> 'STREAM' AND (c.request_status IS DISTINCT FROM 'PENDING' OR c.requested_by_id = w.user_id)
        JOIN chat.chat_head h ON h.chat_id = w.chat_id AND h.member_count <= chat.small_chat_members()
        JOIN chat.chat_participant p ON p.chat_id = w.chat_id AND p.user_id = w.user_id
          AND p.state = 'JOINED' AND p.notifications <> 'NONE' AND coalesce(p.muted_until <= now(), true)
        CROSS JOIN LATERAL (
          SELECT m FROM chat.chat_message m
          WHERE m.chat_id = w.chat_id AND m.seq > greatest(p.read_seq, chat.bound(h, p), h.last_seq - 200)
            AND (m.seq >= w.from_seq OR m.revision > w.since AND m.created_at > now() - interval '1 minute')
            AND m.type <> 'SYSTEM' AND m.deleted_at IS NULL AND m.sender_id <> w.user_id
            AND NOT EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = w.user_id AND b.blocked_user_id = m.sender_id)
            AND NOT chat.is_hidden(m.chat_id, m.seq, w.user_id)
            AND (p.notifications = 'ALL' OR EXISTS (
              SELECT FROM chat.mention x WHERE x.chat_id = m.chat_id AND x.seq = m.seq AND (x.user_id IS NULL OR x.user_id = w.user_id)))
          ORDER BY m.seq DESC LIMIT 1) newest),
      total AS MATERIALIZED (
        SELECT d.user_id, (
          SELECT coalesce(sum(chat.unread_count(h, p)), 0)::integer
          FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
          WHERE p.user_id = d.user_id AND p.state = 'JOINED' AND c.deleted_at IS NULL AND c.type <> 'STREAM' AND NOT chat.is_request_for(c, d.user_id) AND h.last_ordinal_seq > p.read_seq
            AND coalesce(p.muted_until <= now(), true) AND NOT chat.is_archived(h, p)) AS unread
        FROM (SELECT DISTINCT user_id FROM due) d)
      SELECT d.chat_id AS "chatId", d.user_id AS "userId", json_build_object(
        'unreadCount', chat.unread_count(d.h, d.p), 'mentionCount', chat.mention_count(d.h, d.p), 'totalUnread', t.unread,
        'lastMessage', chat.message_json(d.m), 'senderId', (d.m).sender_id)::text AS data
      FROM due d JOIN total t ON t.user_id = d.user_id`,
  }, [addressees.map(each => each.chatId), addressees.map(each => each.userId), addressees.map(each => each.fromSeq), addressees.map(each => each.sinceRevision)])
}
