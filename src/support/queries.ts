import type { Chat, ChatView } from '../chats/schemas.ts'
import type { Queryable } from '../plugins/database.ts'
import type { ListSupport, SupportView } from './schemas.ts'

/** Undefined: it is no support chat, or the user has been banned from it. Whether they are an agent says their token. */
export async function supportView (db: Queryable, chatId: string, userId: string, messages: number): Promise<SupportView | undefined> {
  const [row] = await db.query<{ view: SupportView | null }>({ name: 'support.supportView', text: 'SELECT chat.support_view($1, $2, $3) AS view' }, [chatId, userId, messages])
  return row?.view ?? undefined
}

export interface SupportCursor { createdAt: string, chatId: string }

/** Oldest first. With labels a statement of its own, as `listChats` has. */
export async function listSupport (
  db: Queryable, userId: string, { status = 'OPEN', labels = {}, limit }: ListSupport & { limit: number }, cursor: SupportCursor | undefined
): Promise<(SupportCursor & { view: ChatView })[]> {
  const byLabels = Object.keys(labels).length > 0
  return db.query<SupportCursor & { view: ChatView }>({
    name: byLabels ? 'support.listSupportByLabels' : 'support.listSupport',
    text: `SELECT chat.rfc3339(page.created_at) AS "createdAt", page.id AS "chatId", chat.support_view(page.id, $1, 0)::jsonb - 'messages' - 'related' AS view
           FROM (
             SELECT c.id, c.created_at FROM chat.chat_session c
             WHERE c.support_status = $2::chat.support_status AND c.deleted_at IS NULL AND ${byLabels ? 'c.labels @> $6::jsonb' : "$6::jsonb = '{}'::jsonb"}
               AND ($3::timestamptz IS NULL OR (c.created_at, c.id) > ($3::timestamptz, $4::uuid))
               AND NOT EXISTS (SELECT FROM chat.chat_participant p WHERE p.chat_id = c.id AND p.user_id = $1 AND p.state = 'BANNED')
             ORDER BY c.created_at, c.id LIMIT $5) page
           ORDER BY page.created_at, page.id`,
  }, [userId, status, cursor?.createdAt ?? null, cursor?.chatId ?? null, limit, JSON.stringify(labels)])
}

export interface SupportState { status: 'OPEN' | 'ASSIGNED' | 'CLOSED', assigneeId: string | null, createdById: string }

/** Undefined: it is no support chat. Call it under the chat's lock when something is to follow from it. */
export async function supportState (db: Queryable, chatId: string): Promise<SupportState | undefined> {
  const [row] = await db.query<SupportState>({
    name: 'support.supportState',
    text: 'SELECT c.support_status AS status, c.assignee_id AS "assigneeId", c.created_by_id AS "createdById" FROM chat.chat_session c WHERE c.id = $1 AND c.support_status IS NOT NULL',
  }, [chatId])
  return row
}

export async function setSupport (db: Queryable, chatId: string, { status, assigneeId }: Pick<SupportState, 'status' | 'assigneeId'>, revision: number): Promise<Chat> {
  const [row] = await db.query<{ chat: Chat }>({
    name: 'support.setSupport',
    text: `UPDATE chat.chat_session AS c SET support_status = $2::chat.support_status, assignee_id = $3, revision = $4, updated_at = clock_timestamp()
           WHERE c.id = $1 RETURNING chat.chat_json(c) AS chat`,
  }, [chatId, status, assigneeId, revision])
  if (!row) throw new Error('A chat that is locked has disappeared')
  return row.chat
}

/** Of the agents who are in the chat, the one who has been longest. */
export async function nextAgent (db: Queryable, chatId: string): Promise<string | undefined> {
  const [row] = await db.query<{ userId: string }>({
    name: 'support.nextAgent',
    text: `SELECT p.user_id AS "userId" FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id
           WHERE p.chat_id = $1 AND p.state = 'JOINED' AND p.role <= 'ADMIN' AND p.user_id <> c.created_by_id ORDER BY p.join_revision LIMIT 1`,
  }, [chatId])
  return row?.userId
}
