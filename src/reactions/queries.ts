import type { MessageKey } from '../messages/message-id.ts'
import type { Queryable } from '../plugins/database.ts'

export interface Reacting {
  chatId: string
  seq: number
  userId: string
  emoji: string
  /** false: removed. */
  isAdded: boolean
}

export interface Reacted {
  status: 'changed' | 'unchanged' | 'rejected' | 'busy'
  code: string | null
  /** Of the chat, by and before this change. */
  revision: number
  previousRevision: number
  /** Whose message it is. */
  senderId: string | null
  /** JSON of the Message, as it was then; null when it was rejected. */
  message: string
}

/** Adds and removes: see `chat.react_many`. One outcome an item, in their order. */
export async function reactMany (db: Queryable, items: Reacting[], { wait }: { wait: boolean }): Promise<Reacted[]> {
  return db.query<Reacted>({
    name: 'reactions.reactMany',
    text: `SELECT r.status, r.code, r.revision, r.previous_revision AS "previousRevision", r.sender_id AS "senderId", r.message::text
           FROM chat.react_many($1::jsonb, $2) r ORDER BY r.idx`,
  }, [JSON.stringify(items), wait])
}

export interface ReactionRow { userId: string, emoji: string, at: string }

/** Oldest first. */
export async function listReactions (db: Queryable, { chatId, seq }: MessageKey, after: ReactionRow | undefined, limit: number): Promise<ReactionRow[]> {
  return db.query<ReactionRow>({
    name: 'reactions.listReactions',
    text: `SELECT r.user_id AS "userId", r.emoji, chat.rfc3339(r.created_at) AS at FROM chat.message_reaction r
           WHERE r.chat_id = $1 AND r.seq = $2 AND ($3::timestamptz IS NULL OR (r.created_at, r.user_id, r.emoji) > ($3::timestamptz, $4::text, $5::text))
           ORDER BY r.created_at, r.user_id, r.emoji LIMIT $6`,
  }, [chatId, seq, after?.at ?? null, after?.userId ?? null, after?.emoji ?? null, limit])
}
