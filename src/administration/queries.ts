import { EncodedJson } from '../json.ts'
import type { Queryable } from '../plugins/database.ts'
import type { AdminChat, AdminUser, PutUsers } from './schemas.ts'

const adminUser = `json_build_object('id', u.id, 'displayName', u.display_name, 'avatarUrl', u.avatar_url, 'metadata', u.metadata, 'settings', chat.user_settings(u.settings),
  'bannedUntil', chat.rfc3339(u.banned_until), 'banReason', u.ban_reason, 'tokensValidFrom', chat.rfc3339(u.tokens_valid_from), 'createdAt', chat.rfc3339(u.created_at))`

/** In the order of the ids. */
export async function usersById (db: Queryable, userIds: string[]): Promise<AdminUser[]> {
  const rows = await db.query<{ user: AdminUser }>({
    name: 'administration.usersById',
    text: `SELECT ${adminUser} AS user FROM unnest($1::text[]) WITH ORDINALITY AS given (id, n) JOIN chat.chat_user u ON u.id = given.id ORDER BY given.n`,
  }, [userIds])
  return rows.map(({ user }) => user)
}

/** Those who are not there yet. @returns their ids */
export async function insertUsers (db: Queryable, users: PutUsers['users']): Promise<string[]> {
  const rows = await db.query<{ id: string }>({
    name: 'administration.insertUsers',
    text: `INSERT INTO chat.chat_user (id, display_name, avatar_url, metadata)
           SELECT g.id, g."displayName", g."avatarUrl", coalesce(g.metadata, '{}') FROM jsonb_to_recordset($1) AS g (id text, "displayName" text, "avatarUrl" text, metadata jsonb)
           ORDER BY g.id COLLATE "C" ON CONFLICT DO NOTHING RETURNING id`,
  }, [JSON.stringify(users)])
  return rows.map(({ id }) => id)
}

/** From now on only tokens that are issued later are the user's. @returns whether there is such a user */
export async function revokeTokens (db: Queryable, userId: string): Promise<boolean> {
  const rows = await db.query({
    name: 'administration.revokeTokens', text: 'UPDATE chat.chat_user SET tokens_valid_from = clock_timestamp() WHERE id = $1 RETURNING id',
  }, [userId])
  return rows.length > 0
}

export async function findByReference (db: Queryable, type: string, externalRef: string): Promise<string | undefined> {
  const [row] = await db.query<{ id: string }>({
    name: 'administration.findByReference',
    text: 'SELECT c.id FROM chat.chat_session c WHERE c.type = $1::chat.chat_type AND c.external_ref = $2 AND c.deleted_at IS NULL',
  }, [type, externalRef])
  return row?.id
}

/** Also of a chat that has been deleted, as long as its rows are there. */
export async function chatForAdmin (db: Queryable, chatId: string): Promise<AdminChat | undefined> {
  const [row] = await db.query<{ view: AdminChat }>({
    name: 'administration.chatForAdmin',
    text: `SELECT json_build_object('chat', chat.chat_json(c), 'deletedAt', chat.rfc3339(c.deleted_at),
             'head', json_build_object('chatId', h.chat_id, 'lastRevision', h.last_revision, 'lastSeq', h.last_seq, 'lastOrdinalSeq', h.last_ordinal_seq, 'minSeq', h.min_seq,
               'messageCount', h.last_ordinal, 'memberCount', h.member_count, 'lastMessageAt', chat.rfc3339(h.last_message_at)),
             'participants', coalesce(p.list, '[]'::json), 'users', chat.users_json(p.ids)) AS view
           FROM chat.chat_session c JOIN chat.chat_head h ON h.chat_id = c.id
           CROSS JOIN LATERAL (SELECT json_agg(chat.participant_json(p)) AS list, array_agg((p).user_id) AS ids FROM chat.first_participants(c.id, NULL, 50) p) p
           WHERE c.id = $1`,
  }, [chatId])
  return row?.view
}

export interface SeqRange { before: number, olderLimit: number, after: number, newerLimit: number }

export interface MessagePage { page: EncodedJson, firstSeq: number, lastSeq: number, older: boolean, newer: boolean }

/** What nobody in particular sees: all that is kept. undefined: there is no such chat. */
export async function messagesForAdmin (db: Queryable, chatId: string, { before, olderLimit, after, newerLimit }: SeqRange): Promise<MessagePage | undefined> {
  const [row] = await db.query<{ page: string, firstSeq: number, lastSeq: number, older: boolean, newer: boolean }>({
    name: 'administration.messagesForAdmin',
    text: `WITH page AS MATERIALIZED (
             (SELECT m.* FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq < $2 ORDER BY m.seq DESC LIMIT $3)
             UNION ALL (SELECT m.* FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq > $4 ORDER BY m.seq LIMIT $5)),
           ends AS (SELECT coalesce(min(p.seq), 0) AS first_seq, coalesce(max(p.seq), 0) AS last_seq FROM page p)
           SELECT json_build_object('data', coalesce((SELECT json_agg(chat.message_json(p::chat.chat_message) ORDER BY p.seq) FROM page p), '[]'::json),
               'users', chat.users_json(ARRAY(SELECT DISTINCT p.sender_id FROM page p WHERE p.sender_id IS NOT NULL)))::text AS page,
             e.first_seq AS "firstSeq", e.last_seq AS "lastSeq",
             EXISTS (SELECT FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq < e.first_seq) AS older,
             EXISTS (SELECT FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq > e.last_seq) AS newer
           FROM ends e WHERE EXISTS (SELECT FROM chat.chat_session c WHERE c.id = $1)`,
  }, [chatId, before, olderLimit, after, newerLimit])
  return row && { ...row, page: new EncodedJson(row.page) }
}
