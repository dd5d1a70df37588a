import type { Queryable } from '../plugins/database.ts'

/** Chats that have been deleted for everyone, after a chat, in the order of their ids. */
export async function deletedChats (db: Queryable, after: string | null, limit: number): Promise<string[]> {
  const rows = await db.query<{ chatId: string }>({
    name: 'chats.deletedChats',
    text: 'SELECT c.id AS "chatId" FROM chat.chat_session c WHERE c.deleted_at IS NOT NULL AND ($1::uuid IS NULL OR c.id > $1) ORDER BY c.id LIMIT $2',
  }, [after, limit])
  return rows.map(row => row.chatId)
}

/** As many as a transaction takes, child rows first. @returns whether there are more */
export async function deleteChatRows (db: Queryable, chatId: string, limit: number): Promise<boolean> {
  const [row] = await db.query<{ more: boolean }>({ name: 'chats.deleteChatRows', text: 'SELECT chat.delete_chat_rows($1, $2) AS more' }, [chatId, limit])
  return row?.more === true
}
