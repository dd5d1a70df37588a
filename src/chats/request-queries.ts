import type { Queryable } from '../plugins/database.ts'
import type { Watermark } from '../receipts/schemas.ts'
import { NAME_FOR_USER, type ChatCursor } from './list-queries.ts'
import type { Chat, ChatView, ListChats, Participant } from './schemas.ts'

type Status = NonNullable<Chat['request']>['status']

/** A DIRECT chat that somebody has asked for. */
export interface Request {
  status: Status
  requestedById: string
  recipientId: string
  /** Once it was rejected: when it may be asked for again, and whether that time has come. */
  retryAt: Date | null
  mayAskAgain: boolean
}

/** undefined: nobody has had to ask for the chat, or there is none. */
export async function requestOf (db: Queryable, chatId: string): Promise<Request | undefined> {
  const [row] = await db.query<Request>({
    name: 'chats.requestOf',
    text: `SELECT c.request_status AS status, c.requested_by_id AS "requestedById",
             CASE WHEN c.requested_by_id = c.direct_low THEN c.direct_high ELSE c.direct_low END AS "recipientId",
             CASE WHEN c.request_status = 'REJECTED' THEN chat.may_ask_again_at(c.answered_at) END AS "retryAt",
             c.request_status = 'REJECTED' AND chat.may_ask_again_at(c.answered_at) <= clock_timestamp() AS "mayAskAgain"
           FROM chat.chat_session c WHERE c.id = $1 AND c.request_status IS NOT NULL AND c.deleted_at IS NULL`,
  }, [chatId])
  return row
}

/** What becomes of a wish to talk to somebody; null: they need not be asked. */
export async function requestStatusFor (db: Queryable, userId: string, targetUserId: string): Promise<Status | null> {
  const [row] = await db.query<{ status: Status | null }>({ name: 'chats.requestStatusFor', text: 'SELECT chat.request_status_for($1, $2) AS status' }, [userId, targetUserId])
  return row?.status ?? null
}

/** Somebody asks, for the first time (the chat keeps its revision) or anew. While it is PENDING they may send so many messages more. */
export async function startRequest (
  db: Queryable, chatId: string, { status, requestedById, messages, revision }: { status: Status, requestedById: string, messages: number, revision?: number }
): Promise<Chat | undefined> {
  const [row] = await db.query<{ chat: Chat }>({
    name: 'chats.startRequest',
    text: `UPDATE chat.chat_session AS c SET request_status = $2::chat.request_status, requested_by_id = $3, revision = coalesce($5, c.revision),
             answered_at = CASE WHEN $2::chat.request_status <> 'PENDING' THEN clock_timestamp() END,
             updated_at = CASE WHEN $5::integer IS NULL THEN c.updated_at ELSE clock_timestamp() END,
             request_allowance = $4 + (SELECT p.sent_count FROM chat.chat_participant p WHERE p.chat_id = c.id AND p.user_id = $3)
           WHERE c.id = $1 RETURNING chat.chat_json(c) AS chat`,
  }, [chatId, status, requestedById, messages, revision ?? null])
  return row?.chat
}

export async function answerRequest (db: Queryable, chatId: string, status: 'ACCEPTED' | 'REJECTED', revision: number): Promise<Chat | undefined> {
  const [row] = await db.query<{ chat: Chat }>({
    name: 'chats.answerRequest',
    text: `UPDATE chat.chat_session AS c SET request_status = $2::chat.request_status, answered_at = clock_timestamp(), updated_at = clock_timestamp(), revision = $3
           WHERE c.id = $1 RETURNING chat.chat_json(c) AS chat`,
  }, [chatId, status, revision])
  return row?.chat
}

/** Who has rejected a request is in the chat again, and stands where they stood. What they have hidden is told again with their membership. */
export async function returnToChat (db: Queryable, chatId: string, userId: string, { revision, inboxRevision }: { revision: number, inboxRevision: number }): Promise<Participant[]> {
  const rows = await db.query<{ participant: Participant }>({
    name: 'chats.returnToChat',
    text: `WITH told_again AS (UPDATE chat.message_hidden x SET inbox_revision = $4 WHERE x.chat_id = $1 AND x.user_id = $2)
           UPDATE chat.chat_participant AS p SET state = 'JOINED', join_revision = $3, revision = $3, inbox_revision = $4
           WHERE p.chat_id = $1 AND p.user_id = $2 RETURNING chat.participant_json(p) AS participant`,
  }, [chatId, userId, revision, inboxRevision])
  return rows.map(row => row.participant)
}

/** How far a member has read, as another may know it. */
export async function watermarkFor (db: Queryable, chatId: string, userId: string, viewerId: string): Promise<Watermark | undefined> {
  const [row] = await db.query<{ watermark: Watermark | null }>({
    name: 'chats.watermarkFor',
    text: `SELECT (SELECT w FROM json_array_elements(chat.watermarks_json(h, $3)) AS w WHERE w ->> 'userId' = $2) AS watermark
           FROM chat.chat_head h WHERE h.chat_id = $1`,
  }, [chatId, userId, viewerId])
  return row?.watermark ?? undefined
}

/** Requests and invitations to me, and requests of mine: newest first. Of an invitation it is the time when it came that counts. */
export async function listRequests (db: Queryable, userId: string, { direction, type, q, labels = {}, limit }: ListChats & { limit: number }, cursor: ChatCursor | undefined): Promise<(ChatCursor & { view: ChatView })[]> {
  return db.query<ChatCursor & { view: ChatView }>({
    name: 'chats.listRequests',
    text: `SELECT false AS pinned, chat.rfc3339(page.active_at) AS "activeAt", page.chat_id AS "chatId",
             CASE WHEN page.invited THEN chat.invitation_view(page.chat_id, $1) ELSE chat.chat_view(page.chat_id, $1) END AS view
           FROM (
             SELECT p.chat_id, p.state = 'INVITED' AS invited, CASE WHEN p.state = 'INVITED' THEN p.joined_at ELSE coalesce(h.last_message_at, c.created_at) END AS active_at
             FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
             WHERE p.user_id = $1 AND c.deleted_at IS NULL AND ($3::chat.chat_type IS NULL OR c.type = $3)
               AND ($7::text IS NULL OR position(chat.folded($7) IN chat.folded(${NAME_FOR_USER})) > 0) AND c.labels @> $8::jsonb
               AND (($2::text IS DISTINCT FROM 'sent' AND (p.state = 'INVITED' OR (p.state = 'JOINED' AND chat.is_request_for(c, $1))))
                 OR ($2::text IS DISTINCT FROM 'received' AND p.state = 'JOINED' AND c.request_status = 'PENDING' AND c.requested_by_id = $1))) page
           WHERE $4::timestamptz IS NULL OR (page.active_at, page.chat_id) < ($4::timestamptz, $5::uuid)
           ORDER BY page.active_at DESC, page.chat_id DESC LIMIT $6`,
  }, [userId, direction ?? null, type ?? null, cursor?.activeAt ?? null, cursor?.chatId ?? null, limit, q ?? null, JSON.stringify(labels)])
}
