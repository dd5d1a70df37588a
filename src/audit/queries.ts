import type { Queryable } from '../plugins/database.ts'
import type { AuditEntry, ListAudit } from './schemas.ts'

export async function insertEntry (db: Queryable, { id, keyId, userId, action, target, details }: Omit<AuditEntry, 'at' | 'status'>): Promise<void> {
  await db.query({
    name: 'audit.insertEntry',
    text: 'INSERT INTO chat.audit_log (id, at, key_id, user_id, action, target, details) VALUES ($1, clock_timestamp(), $2, $3, $4, $5, $6)',
  }, [id, keyId, userId, action, JSON.stringify(target), JSON.stringify(details)])
}

export async function completeEntry (db: Queryable, id: string, status: number): Promise<void> {
  await db.query({ name: 'audit.completeEntry', text: 'UPDATE chat.audit_log SET status = $2 WHERE id = $1' }, [id, status])
}

/** Where a page ends. */
export interface AuditCursor { at: string, id: string }

/** Newest first. */
export async function listEntries (
  db: Queryable, { userId, keyId, action, targetUserId, chatId, from, to, limit }: ListAudit & { limit: number }, cursor: AuditCursor | undefined
): Promise<AuditEntry[]> {
  const target = { ...(targetUserId !== undefined && { userId: targetUserId }), ...(chatId !== undefined && { chatId: chatId.toLowerCase() }) }
  return db.query<AuditEntry>({
    name: 'audit.listEntries',
    text: `SELECT a.id, chat.rfc3339(a.at) AS at, a.key_id AS "keyId", a.user_id AS "userId", a.action, a.target, a.details, a.status FROM chat.audit_log a
           WHERE ($1::text IS NULL OR a.user_id = $1) AND ($2::text IS NULL OR a.key_id = $2) AND ($3::text IS NULL OR a.action = $3)
             AND ($4::jsonb IS NULL OR a.target @> $4) AND ($5::timestamptz IS NULL OR a.at >= $5) AND ($6::timestamptz IS NULL OR a.at < $6)
             AND ($7::timestamptz IS NULL OR (a.at, a.id) < ($7, $8::uuid))
           ORDER BY a.at DESC, a.id DESC LIMIT $9`,
  }, [userId ?? null, keyId ?? null, action ?? null, Object.keys(target).length > 0 ? JSON.stringify(target) : null, from ?? null, to ?? null, cursor?.at ?? null, cursor?.id ?? null, limit])
}
