import type { Queryable } from '../plugins/database.ts'

/** Uploads that have not been sent for so long, as many as a transaction takes. @returns how many there were */
export async function deleteUnsentBefore (db: Queryable, hours: number, limit: number): Promise<number> {
  const rows = await db.query({
    name: 'media.deleteUnsentBefore',
    text: `DELETE FROM chat.attachment a USING (
             SELECT o.id FROM chat.attachment o WHERE o.seq IS NULL AND o.created_at < clock_timestamp() - make_interval(hours => $1) ORDER BY o.created_at LIMIT $2 FOR UPDATE SKIP LOCKED) old
           WHERE a.id = old.id RETURNING a.id`,
  }, [hours, limit])
  return rows.length
}

export interface Garbage { key: string, upTo: string }

/** What may have to go, oldest first. */
export async function listGarbage (db: Queryable, limit: number): Promise<Garbage[]> {
  return db.query<Garbage>({
    name: 'media.listGarbage',
    text: 'SELECT g.key, max(g.id)::text AS "upTo" FROM (SELECT * FROM chat.media_garbage o ORDER BY o.id LIMIT $1) g GROUP BY g.key ORDER BY min(g.id)',
  }, [limit])
}

/** So that nobody begins to use it while it is looked at and removed. @returns whether it is there and nobody else has its lock */
export async function lockObject (db: Queryable, hash: string): Promise<boolean> {
  const rows = await db.query({ name: 'media.lockObject', text: 'SELECT FROM chat.media_object o WHERE o.hash = $1 FOR UPDATE' }, [hash])
  return rows.length > 0
}

export async function isUsed (db: Queryable, hash: string): Promise<boolean> {
  const [row] = await db.query<{ used: boolean }>({
    name: 'media.isUsed', text: 'SELECT EXISTS (SELECT FROM chat.attachment a WHERE a.object_hash = $1) OR EXISTS (SELECT FROM chat.attachment a WHERE a.thumbnail_hash = $1) AS used',
  }, [hash])
  return row?.used === true
}

export async function deleteObject (db: Queryable, hash: string): Promise<void> {
  await db.query({ name: 'media.deleteObject', text: 'DELETE FROM chat.media_object o WHERE o.hash = $1' }, [hash])
}

export async function forgetGarbage (db: Queryable, { key, upTo }: Garbage): Promise<void> {
  await db.query({ name: 'media.forgetGarbage', text: 'DELETE FROM chat.media_garbage g WHERE g.key = $1 AND g.id <= $2' }, [key, upTo])
}

/** Of these uploads, those that are still to be completed. */
export async function awaited (db: Queryable, ids: string[]): Promise<Set<string>> {
  const rows = await db.query<{ id: string }>({ name: 'media.awaited', text: 'SELECT a.id FROM chat.attachment a WHERE a.id = ANY ($1::uuid[]) AND NOT a.ready' }, [ids])
  return new Set(rows.map(({ id }) => id))
}
