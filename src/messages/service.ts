import { createHash, randomUUID } from 'node:crypto'
import { v7 as uuid } from 'uuid'
import type { Changes } from '../changes.ts'
import { requireRole } from '../chats/roles.ts'
import type { Config } from '../config.ts'
import { ApiError, toApiError } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import { assertMetadata } from '../metadata.ts'
import type { Database } from '../plugins/database.ts'
import { writeKeys } from '../search/queries.ts'
import { fold } from '../search/text.ts'
import { deleteMessage } from './deletion.ts'
import { listMessages } from './history-queries.ts'
import { parseMessageId, type MessageKey } from './message-id.ts'
import { getMessage, hideMessage, messageState, updateContent } from './queries.ts'
import { NewestPages, type NewestPage } from './newest-pages.ts'
import { nextCursorOf, rangeOf } from './range.ts'
import type { EditMessage, Forward, History, Message, MessageForwarded, NewMentions, NewMessage } from './schemas.ts'
import { asSeen, changeMessage, requireMessage, requireVoice } from './visible.ts'
import type { Writer } from './writer.ts'

export type MessagesService = ReturnType<typeof messagesService>

export interface MessagesDependencies {
  db: Database
  changes: Changes
  writer: Pick<Writer, 'send'>
  config: Pick<Config, 'editWindowSeconds'>
  /** Finds the DIRECT chat with somebody, or makes it; undefined: there is none, and it was not to be made. */
  directChat: (userId: string, targetUserId: string, options: { make: boolean }) => Promise<string | undefined>
  /** Files have been deleted with their message. */
  filesGone: () => void
  /** Of the database's history. */
  epoch: () => string
  /** Whoever fetches the newest messages has got them: that is written down behind their back. */
  fetched: (userId: string, chatId: string, upToSeq: number) => void
}

export interface Sent { duplicate: boolean, body: EncodedJson }

export function messagesService ({ db, changes, writer, config, directChat, filesGone, epoch, fetched }: MessagesDependencies) {
  const newestPages = new NewestPages(epoch)

  async function send (userId: string, chatId: string, request: NewMessage): Promise<Sent> {
    assertMetadata(request.metadata)
    const { content, metadata = {}, clientMessageId = randomUUID() } = request
    const { type, attachments } = filesOf(request)
    const [replyTo, threadRoot] = [linked(chatId, request.replyToId), linked(chatId, request.threadRootId)]
    const mentions = mentionsOf(request.mentions)
    const { status, message } = await writer.send({
      chatId: chatId.toLowerCase(),
      senderId: userId,
      ...(type !== undefined && { type }),
      ...(content !== undefined && { content }),
      metadata,
      ...(attachments && { attachments }),
      ...(replyTo && { replyToSeq: replyTo.seq }),
      ...(threadRoot && { threadRootSeq: threadRoot.seq }),
      ...(mentions && { mentions }),
      clientMessageId,
      requestHash: hashOf([
        type ?? null, content ?? null, replyTo?.seq ?? null, metadata,
        ...(threadRoot || mentions || attachments ? [threadRoot?.seq ?? null, mentions ?? null] : []), ...(attachments ? [attachments] : []),
      ]),
    })
    const duplicate = status === 'duplicate'
    return { duplicate, body: new EncodedJson(`{"message":${message},"duplicate":${duplicate}}`) }
  }

  return {
    /** To a chat. The answer comes after the commit; a repeat of a clientMessageId is answered with the message as it is now. */
    send,

    /** To a person, in the DIRECT chat with them. */
    async sendToUser (userId: string, targetUserId: string, request: NewMessage): Promise<Sent> {
      assertMetadata(request.metadata) // before a chat is made for what is refused then
      const { attachments } = filesOf(request)
      const chatId = await directChat(userId, targetUserId, { make: request.replyToId === undefined && request.threadRootId === undefined && !attachments })
      if (chatId === undefined) throw new ApiError(attachments ? 'MEDIA_NOT_FOUND' : 'MESSAGE_NOT_FOUND') // nothing has been said yet that could be answered, or uploaded
      return send(userId, chatId, request)
    },

    /** To each of the chats in which the user may send; the others are named with the reason. */
    async forward (userId: string, messageId: string, { chatIds, clientMessageId = randomUUID() }: Forward): Promise<MessageForwarded> {
      const { message, deleted, redacted } = await requireMessage(db, parseMessageId(messageId), userId)
      const origin: Message = JSON.parse(message)
      if (deleted) throw new ApiError('MESSAGE_DELETED')
      if (origin.senderId === null || redacted) throw new ApiError('MESSAGE_NOT_FOUND')
      const forwardedFrom = origin.forwardedFrom ?? { senderId: origin.senderId, createdAt: origin.createdAt }
      const item = { senderId: userId, type: origin.type, ...(origin.content !== null && { content: origin.content }), forwardedFrom, clientMessageId, requestHash: hashOf(['forward', origin.id]) }
      const copies = () => origin.attachments.length > 0 && { attachments: origin.attachments.map(({ id }) => ({ id: uuid(), from: id })) }
      const sent = await Promise.allSettled(chatIds.map(chatId => writer.send({ ...item, ...copies(), chatId: chatId.toLowerCase() })))
      return {
        messages: sent.flatMap(outcome => outcome.status === 'fulfilled' ? JSON.parse(outcome.value.message) : []),
        failed: sent.flatMap((outcome, index) => outcome.status === 'rejected' ? { chatId: chatIds[index] ?? '', code: toApiError(outcome.reason).code } : []),
      }
    },

    /** A page of what the user may see. The newest page, and what follows after a seq, count as delivered. */
    async history (userId: string, chatId: string, query: History): Promise<EncodedJson> {
      const { before, around, after, type, senderId, from, to, hasAttachment } = query
      const isWhole = (before ?? around ?? type ?? senderId ?? from ?? to ?? hasAttachment) === undefined
      const range = rangeOf(query)
      const read = (known?: NewestPage) => listMessages(db, chatId, userId, range, query, known)
      const rows = await (isWhole && after === undefined ? newestPages.read(chatId, range.olderLimit, read) : read())
      if (!rows) throw new ApiError('CHAT_NOT_FOUND')
      if (isWhole && rows.lastSeq > rows.deliveredSeq) fetched(userId, chatId.toLowerCase(), rows.lastSeq)
      return rows.page.with({ nextCursor: nextCursorOf(query, rows) })
    },

    /** @throws {ApiError} MESSAGE_NOT_FOUND also for what the user may not see */
    async get (userId: string, messageId: string): Promise<EncodedJson> {
      const view = await getMessage(db, parseMessageId(messageId), userId)
      if (!view) throw new ApiError('MESSAGE_NOT_FOUND')
      return view
    },

    /** Own messages, within the edit window. What was said before is kept; so are the mentions, unless others are given. */
    async edit (userId: string, messageId: string, { content, mentions: given }: EditMessage): Promise<EncodedJson> {
      const mentions = given && (mentionsOf(given) ?? NOBODY)
      return changeMessage(changes, userId, messageId, async (change, key, state) => {
        if (state.senderId !== userId) throw new ApiError('NOT_YOURS')
        if (state.deleted) throw new ApiError('MESSAGE_DELETED')
        if (state.unchanged) return new EncodedJson(`{"message":${state.message}}`)
        if (!state.editable) throw new ApiError('EDIT_WINDOW_CLOSED')
        requireVoice(state)
        if (mentions?.all && !state.mentionsAll && state.chatType !== 'DIRECT') requireRole(change.member(userId).role, 'MODERATOR')
        const data = `{"message":${await updateContent(change.tx, key, await change.takeRevisions(), content, mentions)}}`
        await writeKeys(change.tx, key, fold(content))
        change.publish({ type: 'message_edited', data, message: { seq: key.seq, senderId: userId } })
        return new EncodedJson(data)
      }, { content, ...(mentions && { mentions }), editWindowSeconds: config.editWindowSeconds })
    },

    /** Blanks the message for everybody: one's own, or any as MODERATOR. */
    async deleteForEveryone (userId: string, messageId: string): Promise<EncodedJson> {
      let hadFiles = false
      const deleted = await changeMessage(changes, userId, messageId, async (change, key, state) => {
        if (state.senderId !== userId) requireRole(change.member(userId).role, 'MODERATOR')
        hadFiles = state.hasFiles
        if (state.deleted) return new EncodedJson(`{"message":${state.message}}`)
        return asSeen(`{"message":${await deleteMessage(change, key, state, userId)}}`, state)
      })
      if (hadFiles) filesGone()
      return deleted
    },

    /** Hides the message from this user alone, on all their devices. */
    async deleteForMe (userId: string, messageId: string): Promise<EncodedJson> {
      const key = parseMessageId(messageId)
      return changes.run({ inboxes: [userId] }, async change => {
        const state = await messageState(change.tx, key, userId)
        if (!state) throw new ApiError('MESSAGE_NOT_FOUND')
        if (!state.isMember) throw new ApiError('NOT_IN_CHAT')
        if (!state.hidden) {
          const inboxRevisions = await change.takeInboxRevisions([userId])
          if (!await hideMessage(change.tx, key, userId, inboxRevisions.get(userId) ?? 0)) throw new ApiError('MESSAGE_NOT_FOUND')
        }
        return new EncodedJson(`{"message":${state.message}}`)
      })
    },

    /** Earlier contents, oldest first. Of deleted messages and of those whom the user blocks there are none to see. */
    async edits (userId: string, messageId: string) {
      const key = parseMessageId(messageId)
      const state = await requireMessage(db, key, userId)
      if (state.deleted || state.redacted) return { data: [], nextCursor: null }
      const versions = await db.prisma.messageVersion.findMany({ where: key, orderBy: { version: 'asc' } })
      return {
        data: versions.map(({ version, content, metadata, replacedAt }) => ({ version, content, metadata: metadata as Record<string, unknown>, replacedAt: replacedAt.toISOString() })),
        nextCursor: null,
      }
    },
  }
}

/** A message that a new one names: of the same chat. @throws {ApiError} MESSAGE_NOT_FOUND */
function linked (chatId: string, messageId: string | undefined): MessageKey | undefined {
  if (messageId === undefined) return undefined
  const key = parseMessageId(messageId)
  if (key.chatId !== chatId.toLowerCase()) throw new ApiError('MESSAGE_NOT_FOUND')
  return key
}

/**
 * The files that a new message comes with, and its type; with files undefined: theirs.
 * @throws {ApiError} VALIDATION_FAILED for nothing at all, and for a type that does not go with the rest
 */
function filesOf ({ content, type, attachmentIds }: NewMessage): { type?: string, attachments?: { id: string }[] } {
  const isPlain = type === undefined || type === 'TEXT' || type === 'ENCRYPTED'
  if (attachmentIds === undefined) {
    if (content === undefined) throw new ApiError('VALIDATION_FAILED', 'content is missing', { details: { field: 'content', message: 'is missing' } })
    if (!isPlain) throw new ApiError('VALIDATION_FAILED', `type ${type} comes with attachmentIds`, { details: { field: 'type', message: 'comes with attachmentIds' } })
    return { type: type ?? 'TEXT' }
  }
  if (isPlain && type !== undefined) throw new ApiError('VALIDATION_FAILED', `type ${type} has no attachments`, { details: { field: 'type', message: 'has no attachments' } })
  return { ...(type !== undefined && { type }), attachments: attachmentIds.map(id => ({ id: id.toLowerCase() })) }
}

const NOBODY = { userIds: [], all: false }

/** Each person once; undefined: nobody is mentioned. */
function mentionsOf ({ userIds = [], all = false }: NewMentions = {}): Required<NewMentions> | undefined {
  return userIds.length > 0 || all ? { userIds: [...new Set(userIds)], all } : undefined
}

/** Tells a repeat from another request under the same key. */
function hashOf (request: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('base64url')
}
