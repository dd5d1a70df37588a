import type { MessageKey } from '../messages/message-id.ts'
import type { Queryable } from '../plugins/database.ts'

/** Of the message: whether the user has this reaction on it, and whether somebody has. */
export interface ReactionState { isMine: boolean, isUsed: boolean, emojiCount: number }

export async function reactionState (db: Queryable, { chatId, seq }: MessageKey, userId: string, emoji: string): Promise<ReactionState> {
  const [row] = await db.query<ReactionState>({
    name: 'reactions.reactionState',
    text: `SELECT coalesce(bool_or(r.emoji = $4 AND r.user_id = $3), false) AS "isMine", coalesce(bool_or(r.emoji = $4), false) AS "isUsed",
             count(DISTINCT r.emoji)::integer AS "emojiCount"
           FROM chat.message_reaction r WHERE r.chat_id = $1 AND r.seq = $2`,
  }, [chatId, seq, userId, emoji])
  return row ?? { isMine: false, isUsed: false, emojiCount: 0 }
}

export async function insertReaction (db: Queryable, { chatId, seq }: MessageKey, userId: string, emoji: string): Promise<void> {
  await db.query({
    name: 'reactions.insertReaction', text: 'INSERT INTO chat.message_reaction (chat_id, seq, emoji, user_id, created_at) VALUES ($1, $2, $3, $4, clock_timestamp())',
  }, [chatId, seq, emoji, userId])
}

export async function deleteReaction (db: Queryable, { chatId, seq }: MessageKey, userId: string, emoji: string): Promise<void> {
  await db.query({
    name: 'reactions.deleteReaction', text: 'DELETE FROM chat.message_reaction WHERE chat_id = $1 AND seq = $2 AND emoji = $3 AND user_id = $4',
  }, [chatId, seq, emoji, userId])
}

/** Takes the summary over from the rows. @returns the JSON of the message */
export async function summarise (db: Queryable, { chatId, seq }: MessageKey, revision: number): Promise<string> {
  const [row] = await db.query<{ message: string }>({
    name: 'reactions.summarise',
    text: `UPDATE chat.chat_message AS m SET reactions = chat.reactions_json($1, $2), revision = $3
           WHERE m.chat_id = $1 AND m.seq = $2 RETURNING chat.message_json(m)::text AS message`,
  }, [chatId, seq, revision])
  if (!row) throw new Error('A message that is locked has disappeared')
  return row.message
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
