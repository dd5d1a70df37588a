import type { Queryable } from '../plugins/database.ts'
import type { Inspected } from './inspect/inspect.ts'
import type { Attachment } from './schemas.ts'

/** Why they may not upload to the chat, as the code of an error; undefined: they may. */
export async function uploadRefusal (db: Queryable, chatId: string, userId: string): Promise<string | undefined> {
  const [row] = await db.query<{ refusal: string }>({ name: 'media.uploadRefusal', text: 'SELECT chat.upload_refusal($1, $2) AS refusal' }, [chatId, userId])
  return row?.refusal || undefined
}

/** Of one user one after the other, so that what they have in all is known. */
export async function lockUploads (db: Queryable, userId: string): Promise<void> {
  await db.query({ name: 'media.lockUploads', text: 'SELECT FROM chat.chat_user u WHERE u.id = $1 FOR NO KEY UPDATE' }, [userId])
}

/** In bytes: all that they have uploaded and that is still there. */
export async function uploadedBytes (db: Queryable, userId: string): Promise<number> {
  const [row] = await db.query<{ bytes: string }>({
    name: 'media.uploadedBytes',
    text: 'SELECT coalesce(sum(a.size), 0)::text AS bytes FROM chat.attachment a WHERE a.uploader_id = $1 AND NOT a.is_forwarded',
  }, [userId])
  return Number(row?.bytes ?? 0)
}

export interface StoredObject { hash: string, size: number }

/** From its commit on nobody takes these away; whoever is just doing so is waited for. */
export async function holdObjects (db: Queryable, objects: StoredObject[]): Promise<void> {
  await db.query({
    name: 'media.holdObjects',
    text: `INSERT INTO chat.media_object (hash, size) SELECT DISTINCT ON (o.hash) o.hash, o.size FROM jsonb_to_recordset($1::jsonb) AS o (hash text, size bigint) ORDER BY o.hash
           ON CONFLICT (hash) DO UPDATE SET size = excluded.size`,
  }, [JSON.stringify(objects)])
}

export interface NewAttachment {
  id: string
  chatId: string
  uploaderId: string
  fileName: string
  size: number
  expectedHash?: string
  isVoice: boolean
}

export async function insertAttachment (db: Queryable, { id, chatId, uploaderId, fileName, size, expectedHash, isVoice }: NewAttachment): Promise<void> {
  await db.query({
    name: 'media.insertAttachment',
    text: 'INSERT INTO chat.attachment (id, chat_id, uploader_id, file_name, size, expected_hash, is_voice, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())',
  }, [id, chatId, uploaderId, fileName, size, expectedHash ?? null, isVoice])
}

/** What it has turned out to be. @returns whether it is still there to be told */
export async function describeAttachment (
  db: Queryable, id: string, { kind, mimeType, width, height, durationMs, codec, waveform }: Inspected, { fileName, object, thumbnail }: { fileName: string, object: StoredObject, thumbnail: StoredObject | undefined }
): Promise<boolean> {
  const rows = await db.query({
    name: 'media.describeAttachment',
    text: `UPDATE chat.attachment a SET kind = $2::chat.attachment_kind, mime_type = $3, width = $4, height = $5, duration_ms = $6, codec = $7, waveform = $8::jsonb, file_name = $9, size = $10,
             object_hash = $11, thumbnail_hash = $12
           WHERE a.id = $1 AND NOT a.ready RETURNING a.id`,
  }, [id, kind, mimeType, width, height, durationMs, codec, waveform && JSON.stringify(waveform), fileName, object.size, object.hash, thumbnail?.hash ?? null])
  return rows.length > 0
}

/** Its bytes are in the store: from now on it can be sent. What was uploaded for it to another place is of no use any more. */
export async function finishAttachment (db: Queryable, id: string): Promise<Attachment | undefined> {
  const [row] = await db.query<{ attachment: Attachment }>({
    name: 'media.finishAttachment',
    text: `WITH finished AS (UPDATE chat.attachment a SET ready = true WHERE a.id = $1 AND NOT a.ready RETURNING a.id, a.expected_hash, chat.attachment_json(a) AS attachment),
             spent AS (INSERT INTO chat.media_garbage (key) SELECT 'uploads/' || f.id FROM finished f WHERE f.expected_hash IS NOT NULL)
           SELECT f.attachment FROM finished f`,
  }, [id])
  return row?.attachment
}

/** One's own that has not been sent. @returns whether there was one */
export async function deleteUnsent (db: Queryable, id: string, userId: string): Promise<boolean> {
  const rows = await db.query({
    name: 'media.deleteUnsent', text: 'DELETE FROM chat.attachment a WHERE a.id = $1 AND a.uploader_id = $2 AND a.seq IS NULL RETURNING a.id',
  }, [id, userId])
  return rows.length > 0
}

/** An upload of one's own, announced and perhaps completed. */
export interface OwnUpload { chatId: string, fileName: string, size: number, expectedHash: string | null, isVoice: boolean, ready: boolean, attachment: Attachment }

export async function ownUpload (db: Queryable, id: string, userId: string): Promise<OwnUpload | undefined> {
  const [row] = await db.query<OwnUpload & { size: string }>({
    name: 'media.ownUpload',
    text: `SELECT a.chat_id AS "chatId", a.file_name AS "fileName", a.size, a.expected_hash AS "expectedHash", a.is_voice AS "isVoice", a.ready, chat.attachment_json(a) AS attachment
           FROM chat.attachment a WHERE a.id = $1 AND a.uploader_id = $2`,
  }, [id, userId])
  return row && { ...row, size: Number(row.size) }
}

export interface VisibleFile {
  id: string
  attachment: Attachment
  chatId: string
  /** null: it has not been sent. */
  seq: number | null
  uploaderId: string
  codec: string | null
  hash: string
  thumbnailHash: string | null
}

/**
 * Of these, those that the viewer may see now: their own uploads to chats that they are in, and what messages have that they
 * may see as they are (within their bound, not hidden, not of somebody whom they block).
 */
export async function visibleFiles (db: Queryable, ids: string[], userId: string): Promise<VisibleFile[]> {
  return db.query<VisibleFile>({
    name: 'media.visibleFiles',
    text: `SELECT a.id, chat.attachment_json(a) AS attachment, a.chat_id AS "chatId", a.seq, a.uploader_id AS "uploaderId", a.codec, a.object_hash AS hash, a.thumbnail_hash AS "thumbnailHash"
           FROM chat.attachment a CROSS JOIN LATERAL chat.viewer(a.chat_id, $2) v
           WHERE a.id = ANY ($1::uuid[]) AND a.ready AND CASE
             WHEN a.seq IS NULL THEN a.uploader_id = $2
             ELSE a.seq > v.bound AND a.uploader_id <> ALL (v.blocked)
               AND NOT EXISTS (SELECT FROM chat.message_hidden x WHERE x.chat_id = a.chat_id AND x.user_id = $2 AND x.seq = a.seq) END`,
  }, [ids, userId])
}

export async function urlKey (db: Queryable): Promise<string> {
  const [row] = await db.query<{ key: string }>({ name: 'media.urlKey', text: 'SELECT m.url_key AS key FROM chat.meta m' }, [])
  if (!row) throw new Error('chat.meta has no row')
  return row.key
}
