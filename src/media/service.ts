import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { FastifyBaseLogger } from 'fastify'
import { v7 as uuid } from 'uuid'
import type { Config } from '../config.ts'
import { ApiError, isErrorCode, toApiError } from '../errors.ts'
import type { Database, Queryable } from '../plugins/database.ts'
import type { Cleaning } from './cleaning.ts'
import { displayName } from './inspect/file-name.ts'
import { inspect, type Inspected } from './inspect/inspect.ts'
import { keyOfObject, keyOfUpload } from './keys.ts'
import { deleteUnsent, describeAttachment, finishAttachment, holdObjects, insertAttachment, lockUploads, ownUpload, uploadedBytes, uploadRefusal, visibleFiles, type NewAttachment, type OwnUpload, type StoredObject, type VisibleFile } from './queries.ts'
import { save, type ReceivedFile } from './receive.ts'
import type { Attachment, NewUpload, SignedUrls, Uploads, UploadTarget } from './schemas.ts'
import type { Storage } from './storage/storage.ts'
import type { Ticket, Tickets } from './tickets.ts'

export type MediaService = ReturnType<typeof mediaService>

export interface MediaDependencies {
  db: Database
  storage: Storage
  cleaning: Cleaning
  config: Config['media']
  tmpDir: string
  tickets: () => Promise<Tickets>
  log: FastifyBaseLogger
}

/** What may be served of an attachment. */
export interface ServedFile { key: string, hash: string, size: number, mimeType: string, fileName: string }

interface LocalFile extends StoredObject { path: string }

const URL_SECONDS = 300
/** A phone on a bad line. */
const UPLOAD_SECONDS = 3_600
const SIGNED_PATH = '/api/v1/chat/media/signed'

export function mediaService ({ db, storage, cleaning, config, tmpDir, tickets, log }: MediaDependencies) {
  /** A folder for what is under way, gone afterwards whatever happens. */
  async function inFolder<Result> (work: (dir: string) => Promise<Result>): Promise<Result> {
    const dir = join(tmpDir, randomUUID())
    await mkdir(dir, { recursive: true, mode: 0o700 })
    try {
      return await work(dir)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }

  async function requireSender (on: Queryable, chatId: string, userId: string): Promise<void> {
    const refusal = await uploadRefusal(on, chatId, userId)
    if (refusal === undefined) return
    if (!isErrorCode(refusal)) throw new Error(`chat.upload_refusal says ${refusal}`)
    throw new ApiError(refusal)
  }

  /** The row of an upload, where its user may have one more. */
  async function insert (tx: Queryable, attachment: NewAttachment): Promise<void> {
    await lockUploads(tx, attachment.uploaderId)
    await requireSender(tx, attachment.chatId, attachment.uploaderId)
    if (config.userQuotaBytes > 0 && await uploadedBytes(tx, attachment.uploaderId) + attachment.size > config.userQuotaBytes) {
      throw new ApiError('TOO_LARGE', '', { details: { limit: 'MEDIA_USER_QUOTA_BYTES', maxBytes: config.userQuotaBytes } })
    }
    await insertAttachment(tx, attachment)
  }

  /** What the bytes are, and what of them is to be stored. */
  async function examine (file: LocalFile, workDir: string, fileName: string | undefined, isVoice: boolean) {
    const inspected = await inspect(file.path, { fileName: fileName ?? '', isVoice, workDir })
    const object = inspected.cleanedPath === undefined ? file : await localFile(inspected.cleanedPath)
    const thumbnail = inspected.thumbnailPath === undefined ? undefined : await localFile(inspected.thumbnailPath)
    return { inspected, object, thumbnail, fileName: displayName(fileName, inspected.mimeType) }
  }

  /**
   * The order in which nothing is lost, and nothing left behind: first the rows say what will be in the store (so that it is held there, and found
   * by the sweep if we die), then it is put there, then the attachment can be seen and sent.
   */
  async function keep (id: string, { inspected, object, thumbnail, fileName }: Awaited<ReturnType<typeof examine>>, insertRow?: (tx: Queryable) => Promise<void>): Promise<Attachment | undefined> {
    const objects = [object, ...(thumbnail ? [thumbnail] : [])]
    const isThere = await db.transaction(async tx => {
      await insertRow?.(tx)
      await holdObjects(tx, objects.map(({ hash, size }) => ({ hash, size })))
      return describeAttachment(tx, id, inspected, { fileName, object, thumbnail })
    })
    if (!isThere) return undefined
    for (const { hash, size, path } of objects) {
      if (await storage.size(keyOfObject(hash)) !== size) await storage.put(keyOfObject(hash), path)
    }
    return finishAttachment(db, id)
  }

  async function storeReceived (userId: string, chatId: string, file: ReceivedFile, dir: string, isVoice: boolean): Promise<{ attachment: Attachment, kind: Inspected['kind'] }> {
    if (file.isTooLarge) throw new ApiError('TOO_LARGE', '', { details: { limit: 'MEDIA_MAX_BYTES', maxBytes: config.maxBytes } })
    const examined = await examine(file, dir, file.fileName, isVoice)
    const id = uuid()
    try {
      const attachment = await keep(id, examined, tx => insert(tx, { id, chatId, uploaderId: userId, fileName: examined.fileName, size: examined.object.size, isVoice }))
      if (!attachment) throw new ApiError('CHAT_NOT_FOUND') // deleted meanwhile, with all that was in it
      return { attachment, kind: examined.inspected.kind }
    } catch (error) {
      if (!(error instanceof ApiError)) await discard(id, userId)
      throw error
    }
  }

  /** What has failed half way. If it cannot be removed now the sweep does it. */
  async function discard (id: string, userId: string): Promise<void> {
    await deleteUnsent(db, id, userId).catch((err: unknown) => log.warn({ err }, 'an upload that has failed is left to the sweep'))
    cleaning.soon()
  }

  async function requireVisible (userId: string, mediaId: string): Promise<VisibleFile> {
    const [file] = await visibleFiles(db, [mediaId], userId)
    if (!file) throw new ApiError('MEDIA_NOT_FOUND')
    return file
  }

  async function requireOwn (userId: string, mediaId: string): Promise<OwnUpload> {
    const upload = await ownUpload(db, mediaId, userId)
    if (!upload) throw new ApiError('MEDIA_NOT_FOUND')
    return upload
  }

  /** What the store has of a completed upload, looked at as if it had come just now. @throws {ApiError} VALIDATION_FAILED if it is not what was announced */
  async function examineUpload (mediaId: string, upload: OwnUpload, dir: string) {
    const key = keyOfUpload(mediaId)
    const size = await storage.size(key)
    if (size === undefined) throw new ApiError('VALIDATION_FAILED', 'The file has not been uploaded')
    if (size !== upload.size) throw new ApiError('VALIDATION_FAILED', `The file has ${size} bytes, not ${upload.size}`)
    const stream = await storage.read(key)
    if (!stream) throw new ApiError('VALIDATION_FAILED', 'The file has not been uploaded')
    const path = join(dir, 'upload')
    const saved = await save(stream, path)
    if (saved.hash !== upload.expectedHash) throw new ApiError('VALIDATION_FAILED', 'The file has another SHA-256 than was announced')
    return examine({ path, ...saved }, dir, upload.fileName || undefined, upload.isVoice)
  }

  return {
    inFolder,

    /** @throws {ApiError} why they may not upload to this chat */
    requireSender: (userId: string, chatId: string) => requireSender(db, chatId, userId),

    /** One bad file does not fail the others. @throws {ApiError} if all of them fail: what the first is refused for, with the whole answer in its details */
    async upload (userId: string, chatId: string, files: ReceivedFile[], { dir, isVoice }: { dir: string, isVoice: boolean }): Promise<Uploads> {
      const data: Uploads['data'] = []
      const failures: ApiError[] = []
      for (const file of files) {
        try {
          const { attachment, kind } = await storeReceived(userId, chatId, file, dir, isVoice)
          data.push({ fileName: attachment.fileName, attachment, messageType: messageTypeOf(kind), uploadedAt: attachment.createdAt })
        } catch (error) {
          const apiError = toApiError(error)
          if (apiError.statusCode >= 500) log.error({ err: error }, 'a file could not be stored')
          failures.push(apiError)
          data.push({ fileName: displayName(file.fileName, 'application/octet-stream'), error: { code: apiError.code, message: apiError.message } })
        }
      }
      const uploads = { data, summary: { totalAttempted: files.length, successful: files.length - failures.length, failed: failures.length } }
      const [first] = failures
      if (first && failures.length === files.length) throw new ApiError(first.code, first.message, { details: uploads, cause: first.cause })
      return uploads
    },

    /** Where the bytes of a file can be put: straight into the store where it takes them, else here. Once, within the hour. */
    async announce (userId: string, { chatId, fileName, size, sha256, voice = false }: NewUpload): Promise<UploadTarget> {
      if (size > config.maxBytes) throw new ApiError('TOO_LARGE', '', { details: { limit: 'MEDIA_MAX_BYTES', maxBytes: config.maxBytes } })
      const id = uuid()
      await db.transaction(tx => insert(tx, { id, chatId, uploaderId: userId, fileName: fileName ?? '', size, expectedHash: sha256, isVoice: voice }))
      const { ticket, expiresAt } = (await tickets()).issue({ use: 'upload', id, userId, seconds: UPLOAD_SECONDS })
      const direct = await storage.uploadTarget(keyOfUpload(id), { size, seconds: UPLOAD_SECONDS })
      return { id, method: 'PUT', url: direct?.url ?? `${SIGNED_PATH}?ticket=${ticket}`, headers: direct?.headers ?? {}, expiresAt: new Date(expiresAt).toISOString() }
    },

    /** The upload that a ticket is for, while its bytes have not come. @throws {ApiError} MEDIA_NOT_FOUND, ATTACHMENT_USED */
    async awaitedUpload ({ id, userId }: Ticket): Promise<OwnUpload> {
      const upload = await requireOwn(userId, id)
      if (upload.ready || await storage.size(keyOfUpload(id)) !== undefined) throw new ApiError('ATTACHMENT_USED')
      return upload
    },

    /** Bytes that have come here instead of to the store. */
    async takeUpload (id: string, path: string): Promise<void> {
      await storage.put(keyOfUpload(id), path)
    },

    /** Checks what was uploaded by a URL, and makes an attachment of it. Repeatable. @throws {ApiError} VALIDATION_FAILED and others: then the upload is void */
    async complete (userId: string, mediaId: string): Promise<{ attachment: Attachment }> {
      const upload = await requireOwn(userId, mediaId)
      if (upload.ready) return { attachment: upload.attachment }
      await requireSender(db, upload.chatId, userId)
      const attachment = await inFolder(async dir => keep(mediaId, await examineUpload(mediaId, upload, dir))).catch(async (error: unknown) => {
        if (error instanceof ApiError && !error.retryable) await discard(mediaId, userId)
        throw error
      })
      cleaning.soon()
      return { attachment: attachment ?? (await requireOwn(userId, mediaId)).attachment } // (undefined: another request has completed it)
    },

    async metadata (userId: string, mediaId: string) {
      const { attachment, chatId, seq, uploaderId, codec } = await requireVisible(userId, mediaId)
      return { attachment, chatId, messageId: seq === null ? null : `${chatId}.${seq}`, uploaderId, codec }
    },

    /** @throws {ApiError} MEDIA_NOT_FOUND also for what the user may not see */
    async file (userId: string, mediaId: string, use: 'file' | 'thumbnail'): Promise<ServedFile> {
      const { attachment: { size, mimeType, fileName }, hash, thumbnailHash } = await requireVisible(userId, mediaId)
      if (use === 'file') return { key: keyOfObject(hash), hash, size, mimeType, fileName }
      const thumbnailSize = thumbnailHash === null ? undefined : await storage.size(keyOfObject(thumbnailHash))
      if (thumbnailHash === null || thumbnailSize === undefined) throw new ApiError('MEDIA_NOT_FOUND')
      return { key: keyOfObject(thumbnailHash), hash: thumbnailHash, size: thumbnailSize, mimeType: 'image/webp', fileName: `${fileName}.webp` }
    },

    /** Deletes an upload of one's own that has not been sent: what has goes with its message. @throws {ApiError} MEDIA_NOT_FOUND, ATTACHMENT_USED, NOT_YOURS */
    async remove (userId: string, mediaId: string): Promise<void> {
      if (!await deleteUnsent(db, mediaId, userId)) {
        const { uploaderId } = await requireVisible(userId, mediaId)
        throw new ApiError(uploaderId === userId ? 'ATTACHMENT_USED' : 'NOT_YOURS')
      }
      cleaning.soon()
    },

    /** URLs that say by themselves who asks, for what cannot send a token. They are good for as long as the user may see the file, and five minutes at most. */
    async urls (userId: string, ids: string[]): Promise<SignedUrls> {
      const wanted = [...new Set(ids.map(id => id.toLowerCase()))]
      const files = new Map((await visibleFiles(db, wanted, userId)).map(file => [file.id, file]))
      const { issue } = await tickets()
      const urlOf = (use: 'file' | 'thumbnail', id: string) => {
        const { ticket, expiresAt } = issue({ use, id, userId, seconds: URL_SECONDS })
        return { url: `${SIGNED_PATH}?ticket=${ticket}`, expiresAt: new Date(expiresAt).toISOString() }
      }
      return {
        data: [...files.values()].map(({ id, thumbnailHash }) => ({ id, ...urlOf('file', id), thumbnailUrl: thumbnailHash === null ? null : urlOf('thumbnail', id).url })),
        failed: wanted.filter(id => !files.has(id)).map(id => ({ id, code: 'MEDIA_NOT_FOUND' })),
      }
    },
  }
}

/** Only messages have types in capitals. */
function messageTypeOf (kind: Inspected['kind']): 'IMAGE' | 'VIDEO' | 'AUDIO' | 'VOICE' | 'FILE' {
  return ({ image: 'IMAGE', video: 'VIDEO', audio: 'AUDIO', voice: 'VOICE', file: 'FILE' } as const)[kind]
}

async function localFile (path: string): Promise<LocalFile> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return { path, size: (await stat(path)).size, hash: hash.digest('hex') }
}
