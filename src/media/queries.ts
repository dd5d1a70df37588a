import type { Queryable } from '../plugins/database.ts'
import type { Inspected } from './inspect/inspect.ts'
import type { Attachment } from './schemas.ts'

/** Why they may not upload to the chat, as the code of an error; undefined: they may. */
export async function uploadRefusal (db: Queryable, chatId: string, userId: string): Promise<string | undefined> {
  const [row] = await db.query<{ refusal: string }>({ name: 'media.uploadRefusal', text: 'SELECT chat.upload_refusal($1, $2) AS refusal' }, [chatId, userId])
  return row?.refusal || undefined
}

export interface StoredObject { hash: string, size: number }

/** What there is to know of an upload when it comes, or is announced. */
export interface NewAttachment {
  id: string
  chatId: string
  uploaderId: string
  fileName: string
  size: number
  expectedHash?: string
  isVoice: boolean
}

/** What it has turned out to be, and what of it is to be in the store. */
export interface Found { inspected: Inspected, fileName: string, object: StoredObject, thumbnail: StoredObject | undefined }

/**
 * The row of an upload, where its user may have one more; with `found` its objects are held as well.
 * @param quota in bytes: all that they have uploaded and that is still there; 0: no limit
 * @returns why there is none, as the code of an error; undefined: there is one
 */
export async function addUpload (db: Queryable, { id, chatId, uploaderId, fileName, size, expectedHash, isVoice }: NewAttachment, quota: number, found?: Found): Promise<string | undefined> {
  const [row] = await db.query<{ refusal: string }>({ name: 'media.addUpload', text: 'SELECT chat.add_upload($1, $2, $3, $4::jsonb, $5, $6::jsonb) AS refusal' }, [
    id, chatId, uploaderId, JSON.stringify({ file_name: fileName, size, expected_hash: expectedHash ?? null, is_voice: isVoice }), quota, found ? asRow(found) : null,
  ])
  return row?.refusal || undefined
}

/** From its commit on nobody takes the objects away; whoever is just doing so is waited for. @returns whether it is still there to be told */
export async function describeUpload (db: Queryable, id: string, found: Found): Promise<boolean> {
  const [row] = await db.query<{ isThere: boolean }>({ name: 'media.describeUpload', text: 'SELECT chat.describe_upload($1, $2::jsonb) AS "isThere"' }, [id, asRow(found)])
  return row?.isThere === true
}

/** As the columns are called. */
function asRow ({ inspected: { kind, mimeType, width, height, durationMs, codec, waveform }, fileName, object, thumbnail }: Found): string {
  return JSON.stringify({
    kind,
    mime_type: mimeType,
    width,
    height,
    duration_ms: durationMs,
    codec,
    waveform,
    file_name: fileName,
    size: object.size,
    object_hash: object.hash,
    thumbnail_hash: thumbnail?.hash ?? null,
    objects: [object, ...(thumbnail ? [thumbnail] : [])].map(({ hash, size }) => ({ hash, size })),
  })
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
