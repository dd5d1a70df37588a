import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { FastifyBaseLogger } from 'fastify'
import { v7 as uuid } from 'uuid'
import type { Config } from '../config.ts'
import { ApiError, isErrorCode, toApiError } from '../errors.ts'
import type { Database } from '../plugins/database.ts'
import type { Cleaning } from './cleaning.ts'
import { displayName } from './inspect/file-name.ts'
import { inspect, type Inspected } from './inspect/inspect.ts'
import { keyOfObject, keyOfUpload } from './keys.ts'
import { addUpload, deleteUnsent, describeUpload, finishAttachment, ownUpload, uploadRefusal, visibleFiles, type Found, type NewAttachment, type OwnUpload, type StoredObject, type VisibleFile } from './queries.ts'
import type { ReceivedFile } from './receive.ts'
import type { Attachment, NewUpload, SignedUrls, Uploads, UploadTarget } from './schemas.ts'
import { save } from './spool.ts'
import type { Storage } from './storage/storage.ts'
import type { Ticket, Tickets } from './tickets.ts'
import { underWay } from './under-way.ts'

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

interface Examined extends Found { object: LocalFile, thumbnail: LocalFile | undefined, prepared: Promise<void> }

const URL_SECONDS = 300
/** A phone on a bad line. */
const UPLOAD_SECONDS = 3_600
const SIGNED_PATH = '/api/v1/chat/media/signed'

export function mediaService ({ db, storage, cleaning, config, tmpDir, tickets, log }: MediaDependencies) {
  const inFolder = underWay({ tmpDir, maxPerUser: config.uploadsPerUser })

  function check (refusal: string | undefined): void {
    if (refusal === undefined) return
    if (!isErrorCode(refusal)) throw new Error(`The database refuses an upload with ${refusal}`)
    throw new ApiError(refusal, '', refusal === 'TOO_LARGE' ? { details: { limit: 'MEDIA_USER_QUOTA_BYTES', maxBytes: config.userQuotaBytes } } : {})
  }

  async function requireSender (userId: string, chatId: string): Promise<void> {
    check(await uploadRefusal(db, chatId, userId))
  }

  /** The row of an upload, where its user may have one more. */
  async function add (upload: NewAttachment, found?: Found): Promise<void> {
    check(await addUpload(db, upload, config.userQuotaBytes, found))
  }

  /** What the bytes are, and what of them is to be stored. */
  async function examine (file: LocalFile, workDir: string, fileName: string | undefined, isVoice: boolean): Promise<Examined> {
    const prepared = storage.prepare(file.path, file.size)
    prepared.catch(() => {}) // (whoever waits for it is told)
    const look = inspect(file.path, { fileName: fileName ?? '', isVoice, workDir })
    const inspected = await look.catch(async (error: unknown) => {
      await prepared
      throw error
    })
    const object = inspected.cleanedPath === undefined ? file : await localFile(inspected.cleanedPath)
    const thumbnail = inspected.thumbnailPath === undefined ? undefined : await localFile(inspected.thumbnailPath)
    return { inspected, object, thumbnail, fileName: displayName(fileName, inspected.mimeType), prepared }
  }

  /**
   * The order in which nothing is lost, and nothing left behind: first the rows say what will be in the store (so that it is held there, and found
   * by the sweep if we die), then it is put there, then the attachment can be seen and sent.
   * @returns undefined: there is no such upload any more
   */
  async function putAndFinish (id: string, { object, thumbnail }: Examined): Promise<Attachment | undefined> {
    await allOf([object, ...(thumbnail ? [thumbnail] : [])].map(async ({ hash, size, path }) => {
      if (await storage.size(keyOfObject(hash)) !== size) await storage.put(keyOfObject(hash), path)
    }))
    return finishAttachment(db, id)
  }

  async function storeReceived (userId: string, chatId: string, file: ReceivedFile, dir: string, isVoice: boolean): Promise<{ attachment: Attachment, kind: Inspected['kind'] }> {
    if (file.isTooLarge) throw new ApiError('TOO_LARGE', '', { details: { limit: 'MEDIA_MAX_BYTES', maxBytes: config.maxBytes } })
    const examined = await examine(file, dir, file.fileName, isVoice)
    const id = uuid()
    try {
      await allOf([add({ id, chatId, uploaderId: userId, fileName: examined.fileName, size: examined.object.size, isVoice }, examined), examined.prepared])
      const attachment = await putAndFinish(id, examined)
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
    requireSender,

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
      await add({ id, chatId, uploaderId: userId, fileName: fileName ?? '', size, expectedHash: sha256, isVoice: voice })
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
      await requireSender(userId, upload.chatId)
      const attachment = await inFolder(userId, async dir => {
        const examined = await examineUpload(mediaId, upload, dir)
        const described = describeUpload(db, mediaId, examined)
        await allOf([described, examined.prepared])
        return await described ? putAndFinish(mediaId, examined) : undefined
      }).catch(async (error: unknown) => {
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

/** Waits for all of them, also where one fails: nothing goes on behind the back of who cleans up. */
async function allOf (tasks: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(tasks)) if (result.status === 'rejected') throw result.reason
}

async function localFile (path: string): Promise<LocalFile> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return { path, size: (await stat(path)).size, hash: hash.digest('hex') }
}
