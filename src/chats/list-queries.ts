import type { Queryable } from '../plugins/database.ts'
import type { ChatView, ListChats, Stats, UserChat } from './schemas.ts'

/** Where a page of chats ends: the sort key of its last row. */
export interface ChatCursor { pinned: boolean, activeAt: string, chatId: string }

/** What the chat `c` is called for the user $1: a DIRECT chat by the other one. */
export const NAME_FOR_USER = `CASE WHEN c.type = 'DIRECT' THEN (
  SELECT coalesce(u.display_name, u.id) FROM chat.chat_user u WHERE u.id = CASE WHEN c.direct_low = $1 THEN c.direct_high ELSE c.direct_low END) ELSE c.name END`

/**
 * Pinned first, then by newest activity. An empty DIRECT chat is its maker's alone; one that was deleted for me waits for something new.
 * What it costs depends on how many chats the user has. Labels make a statement of its own: those of somebody with very many chats are found
 * in the labels' index, which a plan that is kept for lists without any would not use.
 */
export async function listChats (
  db: Queryable, userId: string, { state = 'active', type, q, labels = {}, limit }: ListChats & { limit: number }, cursor: ChatCursor | undefined
): Promise<(ChatCursor & { view: ChatView })[]> {
  const byLabels = Object.keys(labels).length > 0
  return db.query<ChatCursor & { view: ChatView }>({
    name: byLabels ? 'chats.listChatsByLabels' : 'chats.listChats',
    text: `SELECT page.pinned, chat.rfc3339(page.active_at) AS "activeAt", page.chat_id AS "chatId", chat.chat_view(page.chat_id, $1) AS view
           FROM (
             SELECT p.chat_id, p.pinned_at IS NOT NULL AS pinned, coalesce(h.last_message_at, c.created_at) AS active_at
             FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
             WHERE p.user_id = $1 AND p.state = 'JOINED' AND c.deleted_at IS NULL AND c.type <> 'STREAM' AND chat.is_archived(h, p) = $2 AND NOT chat.is_request_for(c, $1)
               AND ($3::chat.chat_type IS NULL OR c.type = $3)
               AND (c.type <> 'DIRECT' OR h.last_ordinal_seq > p.cleared_seq OR (NOT $2 AND (p.cleared_seq > 0 OR c.created_by_id = $1)))
               AND (c.type <> 'SUPPORT' OR NOT $2 OR p.cleared_seq = 0 OR h.last_ordinal_seq > p.cleared_seq)
               AND ($8::text IS NULL OR position(chat.folded($8) IN chat.folded(${NAME_FOR_USER})) > 0)
               AND ${byLabels ? 'c.labels @> $9::jsonb' : "$9::jsonb = '{}'::jsonb"}
               AND ($5::timestamptz IS NULL OR (p.pinned_at IS NOT NULL, coalesce(h.last_message_at, c.created_at), p.chat_id) < ($4::boolean, $5::timestamptz, $6::uuid))
             ORDER BY 2 DESC, 3 DESC, 1 DESC LIMIT $7) page
           ORDER BY page.pinned DESC, page.active_at DESC, page.chat_id DESC`,
  }, [userId, state === 'archived', type ?? null, cursor?.pinned ?? null, cursor?.activeAt ?? null, cursor?.chatId ?? null, limit, q ?? null, JSON.stringify(labels)])
}

/** Where a page of a user's history ends. */
export interface UserChatCursor { joinedAt: string, chatId: string }

/**
 * The chats that a user has or had, by their last joining, newest first. Of those that they are in no longer they are
 * told nothing but that they were there; `all`: an administrator is told the rest, too.
 */
export async function listUserChats (
  db: Queryable, userId: string, { includeArchived = false, limit, all }: { includeArchived?: boolean, limit: number, all: boolean }, cursor: UserChatCursor | undefined
): Promise<(UserChatCursor & { entry: UserChat })[]> {
  return db.query<UserChatCursor & { entry: UserChat }>({
    name: 'chats.listUserChats',
    text: `SELECT chat.rfc3339((page.p).joined_at) AS "joinedAt", (page.p).chat_id AS "chatId",
             json_build_object('chatId', (page.p).chat_id, 'type', (page.c).type, 'participant', chat.participant_json(page.p), 'archived', page.archived,
               'chat', CASE WHEN page.open THEN chat.chat_json(page.c) END, 'messageCount', CASE WHEN page.open THEN (page.h).last_ordinal END,
               'lastMessageAt', CASE WHEN page.open THEN chat.rfc3339((page.h).last_message_at) END) AS entry
           FROM (
             SELECT p, c, h, p.state = 'JOINED' OR $3 AS open, p.state = 'JOINED' AND chat.is_archived(h, p) AS archived
             FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id JOIN chat.chat_head h ON h.chat_id = p.chat_id
             WHERE p.user_id = $1 AND p.state IN ('JOINED', 'LEFT', 'REMOVED', 'BANNED') AND c.deleted_at IS NULL
               AND ($2 OR p.state <> 'JOINED' OR NOT chat.is_archived(h, p))
               AND (c.type <> 'DIRECT' OR h.last_ordinal > 0 OR c.created_by_id = $1)
               AND ($4::timestamptz IS NULL OR (p.joined_at, p.chat_id) < ($4::timestamptz, $5::uuid))
             ORDER BY p.joined_at DESC, p.chat_id DESC LIMIT $6) page
           ORDER BY (page.p).joined_at DESC, (page.p).chat_id DESC`,
  }, [userId, includeArchived, all, cursor?.joinedAt ?? null, cursor?.chatId ?? null, limit])
}

/** Undefined: the user is not in the chat. */
export async function chatStats (db: Queryable, chatId: string, userId: string): Promise<Stats | undefined> {
  const [row] = await db.query<{ stats: Stats | null }>({ name: 'chats.chatStats', text: 'SELECT chat.stats($1, $2) AS stats' }, [chatId, userId])
  return row?.stats ?? undefined
}
/** The streams that anybody may follow, newest first. */
export async function listStreams (
  db: Queryable, userId: string, { q, labels = {}, limit }: Pick<ListChats, 'q' | 'labels'> & { limit: number }, cursor: ChatCursor | undefined
): Promise<(ChatCursor & { view: ChatView })[]> {
  return db.query<ChatCursor & { view: ChatView }>({
    name: Object.keys(labels).length > 0 ? 'chats.listStreamsByLabels' : 'chats.listStreams',
    text: `SELECT false AS pinned, chat.rfc3339(page.created_at) AS "activeAt", page.id AS "chatId", chat.chat_view(page.id, $1) AS view
           FROM (
             SELECT c.id, c.created_at FROM chat.chat_session c
             WHERE c.type = 'STREAM' AND c.deleted_at IS NULL AND ($2::text IS NULL OR position(chat.folded($2) IN chat.folded(c.name)) > 0)
               AND ($3::jsonb = '{}'::jsonb OR c.labels @> $3) AND ($4::uuid IS NULL OR c.id < $4)
               AND NOT EXISTS (SELECT FROM chat.chat_participant p WHERE p.chat_id = c.id AND p.user_id = $1 AND p.state = 'BANNED')
             ORDER BY c.id DESC LIMIT $5) page
           ORDER BY page.id DESC`,
  }, [userId, q ?? null, JSON.stringify(labels), cursor?.chatId ?? null, limit])
}
