import { Type, type Static } from 'typebox'
import { ChatId, Count, Input, MessageId, Nullable, Time, UserId } from '../primitives.ts'

export const AttachmentId = Type.String({ format: 'uuid', description: 'A file' })

/** Its URLs carry no signature: they want a token, or what POST /media/urls makes of them. */
export const Attachment = Type.Object({
  id: AttachmentId,
  kind: Type.Enum(['image', 'video', 'audio', 'voice', 'file']),
  fileName: Type.String(),
  size: Count,
  mimeType: Type.String(),
  width: Nullable(Count),
  height: Nullable(Count),
  durationMs: Nullable(Count),
  waveform: Nullable(Type.Array(Type.Number())),
  url: Type.String(),
  thumbnailUrl: Nullable(Type.String()),
  createdAt: Time,
})
export type Attachment = Static<typeof Attachment>

/** What of a message can come with its files. */
export const AttachmentIds = Type.Array(AttachmentId, { minItems: 1, maxItems: 10, uniqueItems: true, description: 'Files that I have uploaded to this chat, and not sent yet' })

export const MediaRef = Input({ mediaId: AttachmentId })
export const TicketQuery = Input({ ticket: Type.Optional(Type.String({ maxLength: 2_048 })) })

const MessageTypeOfFile = Type.Enum(['IMAGE', 'VIDEO', 'AUDIO', 'VOICE', 'FILE'])

const Uploaded = Type.Object({ fileName: Type.String(), attachment: Attachment, messageType: MessageTypeOfFile, uploadedAt: Time })
const Refused = Type.Object({ fileName: Type.String(), error: Type.Object({ code: Type.String(), message: Type.String() }) })

/** One entry a file, in their order. */
export const Uploads = Type.Object({
  data: Type.Array(Type.Union([Uploaded, Refused])),
  summary: Type.Object({ totalAttempted: Count, successful: Count, failed: Count }),
})
export type Uploads = Static<typeof Uploads>

/** The form of an upload. The files may have any name, and come in any order. */
export const UploadForm = Type.Object({
  chatId: ChatId,
  voice: Type.Optional(Type.Enum(['true', 'false'], { description: 'The sound in it is voice messages' })),
  files: Type.Array(Type.String({ format: 'binary' }), { minItems: 1, maxItems: 10 }),
})

export const NewUpload = Input({
  chatId: ChatId,
  fileName: Type.Optional(Type.String({ maxLength: 10_000 })),
  size: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'In bytes' }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the bytes, in small hexadecimal digits' }),
  voice: Type.Optional(Type.Boolean()),
})
export type NewUpload = Static<typeof NewUpload>

export const UploadTarget = Type.Object({
  id: AttachmentId,
  method: Type.Literal('PUT'),
  url: Type.String({ description: 'Takes the bytes, once, and nothing beside them. Without a host it is ours' }),
  headers: Type.Record(Type.String(), Type.String(), { description: 'To be sent along' }),
  expiresAt: Time,
})
export type UploadTarget = Static<typeof UploadTarget>

export const MediaMetadata = Type.Object({
  attachment: Attachment,
  chatId: ChatId,
  messageId: Nullable(MessageId),
  uploaderId: UserId,
  codec: Nullable(Type.String()),
})

export const MediaReply = Type.Object({ attachment: Attachment })

export const UrlsQuery = Input({ ids: Type.Array(AttachmentId, { minItems: 1, maxItems: 100 }) })
export const SignedUrls = Type.Object({
  data: Type.Array(Type.Object({ id: AttachmentId, url: Type.String(), thumbnailUrl: Nullable(Type.String()), expiresAt: Time })),
  failed: Type.Array(Type.Object({ id: AttachmentId, code: Type.String() })),
})
export type SignedUrls = Static<typeof SignedUrls>
