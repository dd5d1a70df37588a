import multipart from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ApiError, codes } from '../errors.ts'
import { compile } from '../plugins/validation.ts'
import { ChatId } from '../primitives.ts'
import { sendFile } from './download.ts'
import { closeInTheEnd, FORM_LIMITS, FORM_OPTIONS, receiveForm } from './receive.ts'
import { MediaMetadata, MediaRef, MediaReply, NewUpload, SignedUrls, UploadForm, Uploads, UploadTarget, UrlsQuery } from './schemas.ts'
import type { MediaService } from './service.ts'
import type { Storage } from './storage/storage.ts'

export interface MediaRoutesOptions {
  media: MediaService
  storage: Storage
  limits: { maxBytes: number, maxRequestBytes: number }
}

/** How long a body, or a file, may take on its way: a phone on a bad line. Who stands still is cut off earlier. */
export const ON_ITS_WAY_MS = 3_600_000

const checkFields = compile(Type.Object({ chatId: ChatId, voice: UploadForm.properties.voice }), 'form')

/** For those who send a token. */
export const mediaRoutes: FastifyPluginAsyncTypebox<MediaRoutesOptions> = async (app, { media, storage, limits: { maxBytes, maxRequestBytes } }) => {
  await app.register(multipart, { ...FORM_OPTIONS, limits: { ...FORM_LIMITS, fileSize: maxBytes }, throwFileSizeLimit: false }) // one file that is too large does not fail the others

  app.post('/media', { schema: upload, handlerTimeout: ON_ITS_WAY_MS, validatorCompiler: () => () => true }, async (request, reply) => {
    const { userId } = request.identity
    const uploads = await media.inFolder(userId, async dir => {
      const onField = async (name: string, value: unknown) => { if (name === 'chatId') await media.requireSender(userId, checkFields({ chatId: value }).chatId) }
      const { files, fields } = await receiveForm(request, { dir, maxRequestBytes, onField })
      const { chatId, voice } = checkFields(Object.fromEntries(fields))
      if (files.length === 0) throw new ApiError('VALIDATION_FAILED', 'There is no file in it')
      return media.upload(userId, chatId, files, { dir, isVoice: voice === 'true' })
    }).catch(error => closing(request, reply, error))
    return reply.code(201).send(uploads)
  })

  app.post('/media/upload-url', { schema: announce }, async (request, reply) => reply.code(201).send(await media.announce(request.identity.userId, request.body)))
  app.post('/media/:mediaId/complete', { schema: complete, handlerTimeout: ON_ITS_WAY_MS }, request => media.complete(request.identity.userId, request.params.mediaId))
  app.post('/media/urls', { schema: urls, config: { isRead: true } }, request => media.urls(request.identity.userId, request.body.ids))

  app.get('/media/:mediaId', { schema: get, handlerTimeout: ON_ITS_WAY_MS }, async (request, reply) =>
    sendFile(storage, await media.file(request.identity.userId, request.params.mediaId, 'file'), request, reply))
  app.get('/media/:mediaId/thumbnail', { schema: thumbnail, handlerTimeout: ON_ITS_WAY_MS }, async (request, reply) =>
    sendFile(storage, await media.file(request.identity.userId, request.params.mediaId, 'thumbnail'), request, reply))
  app.get('/media/:mediaId/metadata', { schema: metadata }, request => media.metadata(request.identity.userId, request.params.mediaId))

  app.delete('/media/:mediaId', { schema: remove }, async (request, reply) => {
    await media.remove(request.identity.userId, request.params.mediaId)
    return reply.code(204).send()
  })
}

export function closing (request: FastifyRequest, reply: FastifyReply, error: unknown): never {
  closeInTheEnd(request.raw, reply)
  throw error
}

const tags = ['media']
/** Why somebody may not send to a chat, and so not upload to it. */
const NO_SENDER = codes('CHAT_NOT_FOUND', 'CHAT_BLOCKED', 'CHAT_READ_ONLY', 'SILENCED', 'USER_BANNED', 'REQUEST_LIMIT')
const nothing = (description: string) => ({ description, type: 'null' }) // (no content)
export const FileContent = { description: 'The file, or with Range a part of it', content: { 'application/octet-stream': { schema: Type.Any() } } }
const bytes = { 200: FileContent, 206: FileContent, 304: nothing('As it was') }

const upload = {
  tags,
  operationId: 'upload_media',
  errors: codes(...NO_SENDER, 'MEDIA_TYPE_REFUSED', 'TOO_LARGE'),
  summary: 'Upload files',
  description: '1–10 files for a chat that I may send to, of types that are taken by their bytes. One that is refused does not fail the others; when all are, the answer is the error of the first, with this body as its details. Send them within 24 hours by `attachmentIds`.',
  consumes: ['multipart/form-data'],
  body: UploadForm,
  response: { 201: Uploads },
}
const announce = {
  tags,
  operationId: 'announce_upload',
  errors: codes(...NO_SENDER, 'TOO_LARGE'),
  summary: 'A URL to upload to',
  description: 'PUT the bytes there, then complete it.',
  body: NewUpload,
  response: { 201: UploadTarget },
}
const complete = {
  tags,
  operationId: 'complete_upload',
  errors: codes(...NO_SENDER, 'MEDIA_NOT_FOUND', 'MEDIA_TYPE_REFUSED', 'TOO_LARGE'),
  summary: 'Complete an upload by URL',
  description: 'Checks its size, hash and type. What is not as announced is deleted.',
  params: MediaRef,
  response: { 200: MediaReply },
}
const urls = {
  tags,
  operationId: 'get_media_urls',
  errors: [],
  summary: 'URLs without a token',
  description: 'For <img> and players: good for 5 minutes, and for as long as I may see the file.',
  body: UrlsQuery,
  response: { 200: SignedUrls },
}
const get = { tags, operationId: 'get_media', errors: codes('MEDIA_NOT_FOUND'), summary: 'A file', params: MediaRef, response: bytes }
const thumbnail = { tags, operationId: 'get_thumbnail', errors: codes('MEDIA_NOT_FOUND'), summary: 'Its thumbnail', description: 'WebP, at most 320 pixels a side.', params: MediaRef, response: bytes }
const metadata = { tags, operationId: 'get_media_metadata', errors: codes('MEDIA_NOT_FOUND'), summary: 'What is known of a file', params: MediaRef, response: { 200: MediaMetadata } }
const remove = { tags, operationId: 'delete_media', errors: codes('MEDIA_NOT_FOUND', 'ATTACHMENT_USED', 'NOT_YOURS'), summary: 'Delete an upload', description: 'My own, which I have not sent. What has been sent goes with its message.', params: MediaRef, response: { 204: nothing('Done') } }
