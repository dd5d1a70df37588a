import type { Queryable } from '../plugins/database.ts'

/** The DIRECT chat of two people. */
export async function directChatWith (db: Queryable, userId: string, otherId: string): Promise<string | undefined> {
  const [row] = await db.query<{ chatId: string }>({
    name: 'blocks.directChatWith',
    text: `SELECT c.id AS "chatId" FROM chat.chat_session c
           WHERE c.direct_low = least($1::text COLLATE "C", $2::text COLLATE "C") COLLATE "default"
             AND c.direct_high = greatest($1::text COLLATE "C", $2::text COLLATE "C") COLLATE "default"`, // as which it is indexed
  }, [userId, otherId])
  return row?.chatId
}

export interface DirectPeer { type: string, userId: string | null }

/** The other one of a DIRECT chat that the user is in; undefined: they are not in it. */
export async function directPeer (db: Queryable, chatId: string, userId: string): Promise<DirectPeer | undefined> {
  const [row] = await db.query<DirectPeer>({
    name: 'blocks.directPeer',
    text: 'SELECT (v.c).type, CASE WHEN (v.c).direct_low = $2 THEN (v.c).direct_high ELSE (v.c).direct_low END AS "userId" FROM chat.viewer($1, $2) v',
  }, [chatId, userId])
  return row
}

/** @returns whether that changed anything */
export async function insertBlock (db: Queryable, userId: string, blockedUserId: string): Promise<boolean> {
  const rows = await db.query({
    name: 'blocks.insertBlock', text: 'INSERT INTO chat.user_block (user_id, blocked_user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING user_id',
  }, [userId, blockedUserId])
  return rows.length > 0
}

/** @returns whether that changed anything */
export async function deleteBlock (db: Queryable, userId: string, blockedUserId: string): Promise<boolean> {
  const rows = await db.query({
    name: 'blocks.deleteBlock', text: 'DELETE FROM chat.user_block WHERE user_id = $1 AND blocked_user_id = $2 RETURNING user_id',
  }, [userId, blockedUserId])
  return rows.length > 0
}

export async function markBlocksChanged (db: Queryable, userId: string, inboxRevision: number): Promise<void> {
  await db.query({ name: 'blocks.markBlocksChanged', text: 'UPDATE chat.user_inbox SET blocks_revision = $2 WHERE user_id = $1' }, [userId, inboxRevision])
}
