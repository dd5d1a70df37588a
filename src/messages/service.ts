import { createHash, randomUUID } from 'node:crypto'
import type { Changes } from '../changes.ts'
import { requireRole } from '../chats/roles.ts'
import type { Config } from '../config.ts'
import { ApiError, toApiError } from '../errors.ts'
import { EncodedJson } from '../json.ts'
import { assertMetadata } from '../metadata.ts'
import type { Database } from '../plugins/database.ts'
import { parseMessageId } from './message-id.ts'
import { blankMessage, getMessage, hideMessage, listMessages, messageState, updateContent, type HistoryRange } from './queries.ts'
import type { Forward, History, Message, MessageForwarded, NewMessage } from './schemas.ts'
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
  /** Whoever fetches the newest messages has got them. */
  delivered: (userId: string, chatId: string, upToSeq: number) => Promise<void>
}

export interface Sent { duplicate: boolean, body: EncodedJson }

const MAX_SEQ = 2_147_483_647

export function messagesService ({ db, changes, writer, config, directChat, delivered }: MessagesDependencies) {
  async function send (userId: string, chatId: string, request: NewMessage): Promise<Sent> {
    assertMetadata(request.metadata)
    const { content, type = 'TEXT', metadata = {}, clientMessageId = randomUUID() } = request
    const replyTo = request.replyToId === undefined ? undefined : parseMessageId(request.replyToId)
    if (replyTo && replyTo.chatId !== chatId.toLowerCase()) throw new ApiError('MESSAGE_NOT_FOUND')
    const { status, message } = await writer.send({
      chatId: chatId.toLowerCase(),
      senderId: userId,
      type,
      content,
      metadata,
      ...(replyTo && { replyToSeq: replyTo.seq }),
      clientMessageId,
      requestHash: hashOf([type, content, replyTo?.seq ?? null, metadata]),
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
      const chatId = await directChat(userId, targetUserId, { make: request.replyToId === undefined })
      if (chatId === undefined) throw new ApiError('MESSAGE_NOT_FOUND') // nothing has been said yet that could be answered
      return send(userId, chatId, request)
    },

    /** To each of the chats in which the user may send; the others are named with the reason. */
    async forward (userId: string, messageId: string, { chatIds, clientMessageId = randomUUID() }: Forward): Promise<MessageForwarded> {
      const { message, deleted, redacted } = await requireMessage(db, parseMessageId(messageId), userId)
      const origin: Message = JSON.parse(message)
      if (deleted) throw new ApiError('MESSAGE_DELETED')
      if (origin.senderId === null || redacted) throw new ApiError('MESSAGE_NOT_FOUND')
      const forwardedFrom = origin.forwardedFrom ?? { senderId: origin.senderId, createdAt: origin.createdAt }
      const item = { senderId: userId, type: origin.type, content: origin.content ?? '', forwardedFrom, clientMessageId, requestHash: hashOf(['forward', origin.id]) }
      const sent = await Promise.allSettled(chatIds.map(chatId => writer.send({ ...item, chatId: chatId.toLowerCase() })))
      return {
        messages: sent.flatMap(outcome => outcome.status === 'fulfilled' ? JSON.parse(outcome.value.message) : []),
        failed: sent.flatMap((outcome, index) => outcome.status === 'rejected' ? { chatId: chatIds[index] ?? '', code: toApiError(outcome.reason).code } : []),
      }
    },

    /** A page of what the user may see. The newest page, and what follows after a seq, count as delivered. */
    async history (userId: string, chatId: string, query: History): Promise<EncodedJson> {
      const rows = await listMessages(db, chatId, userId, rangeOf(query), query)
      if (!rows) throw new ApiError('CHAT_NOT_FOUND')
      const { before, after, around, type, senderId, from, to } = query
      const isFiltered = (type ?? senderId ?? from ?? to) !== undefined
      if (before === undefined && around === undefined && !isFiltered && rows.count > 0) await delivered(userId, chatId, rows.lastSeq)
      const next = after === undefined ? rows.older && rows.firstSeq : rows.newer && rows.lastSeq
      return rows.page.with({ nextCursor: next ? String(next) : null })
    },

    /** @throws {ApiError} MESSAGE_NOT_FOUND also for what the user may not see */
    async get (userId: string, messageId: string): Promise<EncodedJson> {
      const view = await getMessage(db, parseMessageId(messageId), userId)
      if (!view) throw new ApiError('MESSAGE_NOT_FOUND')
      return view
    },

    /** Own messages, within the edit window. What was said before is kept. */
    async edit (userId: string, messageId: string, content: string): Promise<EncodedJson> {
      return changeMessage(changes, userId, messageId, async (change, key, state) => {
        if (state.senderId !== userId) throw new ApiError('NOT_YOURS')
        if (state.deleted) throw new ApiError('MESSAGE_DELETED')
        if (state.unchanged) return new EncodedJson(`{"message":${state.message}}`)
        if (!state.editable) throw new ApiError('EDIT_WINDOW_CLOSED')
        requireVoice(state)
        const data = `{"message":${await updateContent(change.tx, key, await change.takeRevisions(), content)}}`
        change.publish({ type: 'message_edited', data, message: { seq: key.seq, senderId: userId } })
        return new EncodedJson(data)
      }, { content, editWindowSeconds: config.editWindowSeconds })
    },

    /** Blanks the message for everybody: one's own, or any as MODERATOR. */
    async deleteForEveryone (userId: string, messageId: string): Promise<EncodedJson> {
      return changeMessage(changes, userId, messageId, async (change, key, state) => {
        if (state.senderId !== userId) requireRole(change.member(userId).role, 'MODERATOR')
        if (state.deleted) return new EncodedJson(`{"message":${state.message}}`)
        const data = `{"message":${await blankMessage(change.tx, key, await change.takeRevisions(), userId)}}`
        change.publish({ type: 'message_deleted', data, message: { seq: key.seq, senderId: state.senderId } })
        return asSeen(data, state)
      })
    },

    /** Hides the message from this user alone, on all their devices. */
    async deleteForMe (userId: string, messageId: string): Promise<EncodedJson> {
      const key = parseMessageId(messageId)
      return changes.run({ inboxes: [userId] }, async change => {
        const state = await messageState(change.tx, key, userId)
        if (!state) throw new ApiError('MESSAGE_NOT_FOUND')
        if (!state.hidden) {
          const inboxRevisions = await change.takeInboxRevisions([userId])
          await hideMessage(change.tx, key, userId, inboxRevisions.get(userId) ?? 0)
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

/** Tells a repeat from another request under the same key. */
function hashOf (request: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('base64url')
}

function rangeOf ({ before, after, around, limit = 50 }: History): HistoryRange {
  if ([before, after, around].filter(bound => bound !== undefined).length > 1) throw new ApiError('VALIDATION_FAILED', 'Only one of before, after and around can be given')
  if (after !== undefined) return { before: 0, olderLimit: 0, after, newerLimit: limit }
  if (around === undefined) return { before: before ?? MAX_SEQ, olderLimit: limit, after: MAX_SEQ, newerLimit: 0 }
  const olderLimit = Math.ceil(limit / 2)
  return { before: Math.min(around, MAX_SEQ - 1) + 1, olderLimit, after: around, newerLimit: limit - olderLimit }
}
